import { useEffect } from "react";
import { useSession } from "./me";

/** The page's title: what is on it, then whose hub it is. */
export function useTitle(what: string): void {
  const { brand } = useSession();
  useEffect(() => { document.title = `${what} · ${brand || "Westshore Hub"}`; }, [what, brand]);
}
