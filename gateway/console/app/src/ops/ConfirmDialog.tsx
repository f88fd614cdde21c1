import { type FormEvent, type ReactNode, useState } from "react";
import { asProblem } from "../api/problem";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";

interface ConfirmProps {
  title: string;
  text: ReactNode;
  act: string;
  danger?: boolean;
  onClose: () => void;
  /** Does it; a thrown problem is shown and the dialog stays. */
  onAct: () => Promise<void>;
}

/** Asks before something that cannot be taken back. The button says the act. */
export function ConfirmDialog({ title, text, act, danger, onClose, onAct }: ConfirmProps) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  async function submit(e: FormEvent<HTMLFormElement>): Promise<void> {
    e.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      await onAct();
      onClose();
    } catch (err) {
      setProblem(asProblem(err).message);
      setBusy(false);
    }
  }
  return (
    <Dialog open onClose={onClose} title={title} text={text}>
      <form onSubmit={(e) => void submit(e)} className="flex flex-col gap-4 px-5 pb-5">
        {problem && <p role="alert" className="rounded-sm bg-danger-soft px-3 py-2 text-danger">{problem}</p>}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Leave it</Button>
          <Button kind={danger ? "danger" : "primary"} type="submit" disabled={busy}>{act}</Button>
        </div>
      </form>
    </Dialog>
  );
}
