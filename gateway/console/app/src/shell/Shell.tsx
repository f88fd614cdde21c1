import { Outlet, useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { useKeys } from "../keys/keys";
import type { Key } from "../keys/registry";
import { connectLive } from "../live/live";
import { announced } from "../state/announce";
import { useMe } from "../state/me";
import { useStore } from "../state/store";
import { keySheetOpen, navOpen, paletteOpen, picking } from "../state/ui";
import { usePart } from "./usePart";
import { viewNames, views } from "../text/words";
import { Sheet } from "../ui/dialog";
import { TipProvider } from "../ui/tip";
import { Toaster } from "../ui/toast";
import { ConnectionBanner } from "./ConnectionBanner";
import { Nav } from "./Nav";
import { Tabs } from "./Tabs";

const loadPalette = () => import("./Palette").then((m) => m.Palette);
const loadPicker = () => import("./Picker").then((m) => m.Picker);
const loadKeySheet = () => import("./KeySheet").then((m) => m.KeySheet);

/** Fetches what is not on the page yet while nothing else happens, so that it also opens without a connection. */
const loadRest = (): Promise<unknown> => Promise.allSettled([
  loadPalette(), loadPicker(), loadKeySheet(), import("../ops/OutboxPage"), import("../ops/QuarantinePage"),
  import("../ops/MailboxesPage"), import("../ops/SystemPage"), import("../ticket/PermalinkPage"), import("../customer/CustomerPage"),
]);

export function Shell() {
  const me = useMe();
  const nav = useStore(navOpen);
  const palette = useStore(paletteOpen);
  const sheet = useStore(keySheetOpen);
  const Palette = usePart(palette, loadPalette, () => paletteOpen.set(false));
  const KeySheet = usePart(sheet, loadKeySheet, () => keySheetOpen.set(false));
  const pick = useStore(picking);
  const Picker = usePart(pick !== null, loadPicker, () => picking.set(null));
  useEffect(() => (me.id ? connectLive(me.id) : undefined), [me.id]);
  useEffect(() => {
    const t = setTimeout(() => void loadRest(), 2500);
    return () => clearTimeout(t);
  }, []);
  useKeys(useGlobalKeys());

  return (
    <TipProvider>
      <a href="#main" className="sr-only z-50 rounded-sm bg-accent px-3 py-2 text-accent-fg focus:not-sr-only focus:fixed focus:start-2 focus:top-2">Skip to the content</a>
      <div className="flex h-full flex-col">
        <ConnectionBanner />
        <div className="flex min-h-0 flex-1">
          <aside className="hidden w-[216px] shrink-0 split:flex" aria-label="Navigation"><Nav /></aside>
          <main id="main" tabIndex={-1} className="flex min-w-0 flex-1 outline-none pane:p-2 split:ps-0">
            <div className="flex min-w-0 flex-1 overflow-hidden bg-panel pane:rounded-lg pane:border pane:border-line pane:shadow-low">
              <Outlet />
            </div>
          </main>
        </div>
        <Tabs />
      </div>
      <Sheet open={nav} onClose={() => navOpen.set(false)} title="Navigation"><Nav onChoose={() => navOpen.set(false)} /></Sheet>
      {palette && Palette && <Palette />}
      {pick && Picker && <Picker kind={pick.kind} ticket={pick.ticket} />}
      {sheet && KeySheet && <KeySheet />}
      <Toaster />
      <LiveRegion />
    </TipProvider>
  );
}

const LiveRegion = () => <div role="status" aria-live="polite" className="sr-only">{useStore(announced)}</div>;

type Page = "/ops/outbox" | "/ops/quarantine" | "/ops/mail" | "/ops/notices" | "/ops/system" | `/office/${"requests" | "retention" | "holds" | "demands" | "cases" | "transfers" | "register" | "audit"}`;

function useGlobalKeys(): Key[] {
  const navigate = useNavigate();
  const officer = useMe().role !== "agent";
  const goto = { open: "i", unassigned: "u", mine: "m", resolved: "r", all: "a" };
  const page = (id: string, title: string, key: string, to: Page): Key =>
    ({ id, title, group: "Anywhere", keys: [`g ${key}`], palette: true, run: () => void navigate({ to }) });
  return [
    { id: "palette", title: "Search and commands", group: "Anywhere", keys: ["$mod+k"], inInput: true, run: () => paletteOpen.set((o) => !o) },
    { id: "keys", title: "Show all keys", group: "Anywhere", keys: ["Shift+?"], palette: true, run: () => keySheetOpen.set(true) },
    { id: "keys-2", title: "Show all keys", group: "Anywhere", keys: ["$mod+/"], inInput: true, quiet: true, run: () => keySheetOpen.set((o) => !o) },
    ...views.map((v): Key => ({
      id: `go-${v}`, title: viewNames[v], group: "Anywhere", keys: [`g ${goto[v]}`], palette: true,
      run: () => void navigate({ to: "/inbox/$view", params: { view: v } }),
    })),
    page("go-outbox", "Outbox", "o", "/ops/outbox"),
    page("go-quarantine", "Quarantine", "q", "/ops/quarantine"),
    page("go-mail", "Mail routes", "e", "/ops/mail"),
    page("go-notices", "Notices", "n", "/ops/notices"),
    ...(officer ? [
      page("go-privacy", "Privacy requests", "p", "/office/requests"),
      page("go-retention", "Retention", "d", "/office/retention"),
      page("go-holds", "Legal holds", "h", "/office/holds"),
      page("go-demands", "Demands", "l", "/office/demands"),
      page("go-cases", "Cases", "c", "/office/cases"),
      page("go-transfers", "Business transfers", "b", "/office/transfers"),
      page("go-register", "Register", "w", "/office/register"),
      page("go-audit", "Audit", "t", "/office/audit"),
    ] : []),
    page("go-system", "System", "s", "/ops/system"),
  ];
}
