import { useNavigate } from "@tanstack/react-router";
import { Search, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { ViewName } from "../api/types";
import { useKeys } from "../keys/keys";
import { KeyOf } from "../ui/kbd";

const PAUSE = 180;

/** Searches within the view. The words stand in the address, so a search can be linked and gone back to. */
export function SearchBox({ view, q, onDown }: { view: ViewName; q: string; onDown: () => void }) {
  const [text, setText] = useState(q);
  const input = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const navigate = useNavigate();
  useEffect(() => { if (document.activeElement !== input.current) setText(q); }, [q]);
  useEffect(() => { clearTimeout(timer.current); setText(q); }, [view]); // eslint-disable-line react-hooks/exhaustive-deps
  useEffect(() => () => clearTimeout(timer.current), []);
  useKeys([{ id: "search", title: "Search requests", group: "List", keys: ["/"], palette: true, run: () => { input.current?.focus(); input.current?.select(); } }]);

  function change(next: string, now = false): void {
    setText(next);
    clearTimeout(timer.current);
    const go = (): void => void navigate({ to: "/inbox/$view", params: { view }, search: next.trim() ? { q: next.trim() } : {}, replace: true });
    if (now) go();
    else timer.current = setTimeout(go, PAUSE);
  }

  return (
    <div role="search" className="relative shrink-0 border-b border-line px-3.5 py-2 max-pane:px-3">
      <Search aria-hidden className="pointer-events-none absolute start-6 top-1/2 size-4 -translate-y-1/2 text-subtle" />
      <input
        ref={input}
        value={text}
        onChange={(e) => change(e.target.value)}
        onKeyDown={(e) => {
          if (e.nativeEvent.isComposing) return;
          if (e.key === "Escape") { e.preventDefault(); if (text) change("", true); else { e.currentTarget.blur(); onDown(); } }
          if (e.key === "Enter" || e.key === "ArrowDown") { e.preventDefault(); if (text !== q) change(text, true); onDown(); }
        }}
        aria-label="Search requests"
        placeholder="Search words, names or #number"
        autoComplete="off"
        spellCheck={false}
        enterKeyHint="search"
        className="control w-full rounded-sm border border-line bg-canvas ps-8 pe-9 outline-offset-0 focus:bg-panel [&::-webkit-search-cancel-button]:hidden"
      />
      <span className="absolute end-5 top-1/2 -translate-y-1/2">
        {text ? (
          <button type="button" aria-label="Clear the search" onClick={() => { change("", true); input.current?.focus(); }} className="inline-flex size-6 items-center justify-center rounded-xs text-subtle hover:bg-hover hover:text-fg max-pane:size-9"><X className="size-4" /></button>
        ) : <KeyOf id="search" />}
      </span>
    </div>
  );
}
