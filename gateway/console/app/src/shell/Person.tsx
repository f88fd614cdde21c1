import { useNavigate } from "@tanstack/react-router";
import { Keyboard, LogOut, Monitor, Moon, Settings, Sun } from "lucide-react";
import { call, client } from "../api/client";
import { queryClient } from "../api/queries";
import { livePosition, liveState } from "../live/live";
import { clearDrafts } from "../state/drafts";
import { useMe } from "../state/me";
import { changeSettings, settings, type Theme } from "../state/settings";
import { useStore } from "../state/store";
import { keySheetOpen } from "../state/ui";
import { count } from "../text/words";
import { Avatar } from "../ui/avatar";
import { cx } from "../ui/cx";
import { Menu, MenuChoices, MenuItem, MenuLine } from "../ui/menu";
import { toast } from "../ui/toast";
import { asProblem } from "../api/problem";

const position = (p: string): string => (/^\d{1,15}$/.test(p) ? count(Number(p)) : "");

/** Who is signed in, how the live feed does, and the way to settings and out. */
export function Person() {
  const me = useMe();
  const live = useStore(liveState);
  const pos = position(useStore(livePosition));
  return (
    <div className="flex items-center gap-2 border-t border-transparent px-1.5 pt-2">
      <span className="relative">
        <Avatar id={me.id} name={me.name} />
        <span aria-hidden className={cx("absolute -end-0.5 -bottom-0.5 size-2.5 rounded-full border-2 border-canvas", live === "live" ? "bg-ok" : "bg-warn")} />
      </span>
      <div className="min-w-0 flex-1">
        <p className="truncate font-strong">{me.name}</p>
        <p className="tnum truncate text-meta text-subtle">{live === "live" ? "Live" : live === "connecting" ? "Connecting" : "Reconnecting"}{live === "live" && pos && ` · ${pos}`}</p>
      </div>
      <SettingsMenu />
    </div>
  );
}

function SettingsMenu() {
  const s = useStore(settings);
  const navigate = useNavigate();
  async function signOut(): Promise<void> {
    try {
      await call(client.DELETE("/session"));
    } catch (e) {
      if (asProblem(e).status !== 401) { toast("Not signed out", { tone: "problem", detail: asProblem(e).message }); return; }
    }
    clearDrafts();
    await navigate({ to: "/login" });
    queryClient.clear();
  }
  return (
    <Menu
      align="end"
      trigger={<button type="button" aria-label="Settings" className="inline-flex size-(--control) items-center justify-center rounded-sm text-muted hover:bg-hover hover:text-fg"><Settings className="size-4" /></button>}
    >
      <MenuChoices
        label="Appearance" value={s.theme} onChoose={(v) => changeSettings({ theme: v as Theme })}
        choices={[
          { value: "system", label: "Like the system", icon: <Monitor className="size-4 text-muted" /> },
          { value: "light", label: "Light", icon: <Sun className="size-4 text-muted" /> },
          { value: "dark", label: "Dark", icon: <Moon className="size-4 text-muted" /> },
        ]}
      />
      <MenuLine />
      <MenuChoices
        label="List" value={s.density} onChoose={(v) => changeSettings({ density: v as "comfortable" | "compact" })}
        choices={[{ value: "comfortable", label: "Comfortable" }, { value: "compact", label: "Compact" }]}
      />
      <MenuLine />
      <MenuItem icon={<Keyboard />} keyOf="keys" onSelect={() => keySheetOpen.set(true)}>Keys</MenuItem>
      <MenuItem icon={<LogOut />} onSelect={() => void signOut()}>Sign out</MenuItem>
    </Menu>
  );
}
