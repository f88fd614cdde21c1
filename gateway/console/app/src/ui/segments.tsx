import { cx } from "./cx";

interface SegmentsProps<T extends string> {
  label: string;
  value: T;
  /** Value, name, and what stands behind the name. */
  choices: readonly (readonly [value: T, name: string, more?: React.ReactNode])[];
  onChoose: (v: T) => void;
}

/** Buttons of which one is pressed: what a list shows. On a phone they scroll sideways. */
export const Segments = <T extends string>({ label, value, choices, onChoose }: SegmentsProps<T>) => (
  <div role="group" aria-label={label} className="flex gap-1.5 max-pane:-mx-3 max-pane:shrink-0 max-pane:overflow-x-auto max-pane:px-3 max-pane:py-0.5 max-pane:[scrollbar-width:none] pane:flex-wrap">
    {choices.map(([v, name, more]) => (
      <button key={v} type="button" aria-pressed={value === v} onClick={() => onChoose(v)}
        className={cx("control inline-flex shrink-0 items-center gap-2 rounded-sm border px-2.5 font-label", value === v ? "border-accent bg-accent-soft text-accent-text" : "border-line bg-panel text-muted hover:bg-hover")}>
        {name}{more}
      </button>
    ))}
  </div>
);
