import { Link, useRouter } from "@tanstack/react-router";
import { MapPinOff } from "lucide-react";
import { asProblem } from "../api/problem";
import { queryClient, sessionQuery } from "../api/queries";
import { EmptyState, ErrorState } from "../ui/states";

export const NotFound = () => (
  <main className="h-full">
    <EmptyState icon={<MapPinOff />} title="There is no such page" text="The address may be mistyped, or the page has moved.">
      <Link to="/" className="text-accent-text underline">Go to the inbox</Link>
    </EmptyState>
  </main>
);

/** Shown in place of a page that broke. What was written is kept as a draft. */
export function PageError({ error }: { error: unknown }) {
  return <ErrorState what="This page broke" problem={asProblem(error)} onRetry={() => location.reload()} />;
}

/** Shown when not even the session could be read. */
export function BootError({ error }: { error: unknown }) {
  const router = useRouter();
  const retry = (): void => {
    void queryClient.fetchQuery(sessionQuery).catch(() => undefined).then(() => router.invalidate());
  };
  return (
    <main className="h-full">
      <h1 className="sr-only">Westshore Hub</h1>
      <ErrorState what="The hub could not be opened" problem={asProblem(error)} onRetry={retry} />
    </main>
  );
}
