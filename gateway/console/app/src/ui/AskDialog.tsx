import { type FormEvent, type ReactNode, useState } from "react";
import { asProblem } from "../api/problem";
import { Button } from "./button";
import { Dialog } from "./dialog";

export interface AskField {
  name: string;
  label: string;
  hint?: string;
  kind?: "text" | "area" | "date" | "datetime-local" | "number" | "choice";
  /** For a choice: value and what is shown. */
  choices?: readonly (readonly [string, string])[];
  value?: string;
  optional?: boolean;
}

interface AskProps {
  title: string;
  text?: ReactNode;
  /** None: the dialog only asks before something that cannot be taken back. */
  fields?: readonly AskField[];
  act: string;
  danger?: boolean;
  /** It does not close when done: the caller shows the next step. */
  stay?: boolean;
  children?: ReactNode;
  onClose: () => void;
  /** Does it; a thrown problem is shown, and what was typed stays. */
  onAct: (values: Record<string, string>) => Promise<void>;
}

const input = "rounded-sm border border-line-strong bg-panel px-2.5 font-normal outline-offset-0";

const none: readonly AskField[] = [];

/** A dialog with fields. The button says the act. */
export function AskDialog({ title, text, fields = none, act, danger, stay, children, onClose, onAct }: AskProps) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  async function submit(e: FormEvent<HTMLFormElement>): Promise<void> {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    setBusy(true);
    setProblem("");
    try {
      await onAct(Object.fromEntries(fields.map((f) => [f.name, String(form.get(f.name) ?? "").trim()])));
      if (!stay) onClose();
    } catch (err) {
      setProblem(asProblem(err).message);
      setBusy(false);
    }
  }
  return (
    <Dialog open onClose={onClose} title={title} text={text}>
      <form onSubmit={(e) => void submit(e)} className="flex min-h-0 flex-col gap-4 overflow-y-auto px-5 pb-5">
        {problem && <p role="alert" className="rounded-sm bg-danger-soft px-3 py-2 text-danger">{problem}</p>}
        {children}
        {fields.map((f) => <Field key={f.name} field={f} />)}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Leave it</Button>
          <Button kind={danger ? "danger" : "primary"} type="submit" disabled={busy}>{act}</Button>
        </div>
      </form>
    </Dialog>
  );
}

function Field({ field: f }: { field: AskField }) {
  const common = { name: f.name, defaultValue: f.value ?? "", required: !f.optional };
  return (
    <label className="flex flex-col gap-1.5 font-label">
      <span>{f.label}{f.optional && <span className="font-normal text-subtle"> (optional)</span>}</span>
      {f.kind === "area" ? <textarea {...common} rows={6} className={`${input} min-h-24 py-2`} />
        : f.kind === "choice" ? <select {...common} className={`${input} h-9 max-pane:h-11`}>{f.choices?.map(([v, name]) => <option key={v} value={v}>{name}</option>)}</select>
        : <input {...common} type={f.kind ?? "text"} className={`${input} h-9 max-pane:h-11`} />}
      {f.hint && <span className="text-chip font-normal text-subtle">{f.hint}</span>}
    </label>
  );
}
