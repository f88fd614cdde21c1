import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { call, client } from "../api/client";
import { asProblem } from "../api/problem";
import { queryClient, sessionQuery } from "../api/queries";
import { Mark } from "../shell/Mark";
import { Button } from "../ui/button";

/** Only addresses of this console may be returned to after signing in. */
const safe = (to: string | undefined): string => (to && /^\/(?!\/|\\)/.test(to) && !to.startsWith("/login") ? to : "/inbox/unassigned");

export function LoginPage() {
  const { to } = useSearch({ from: "/login" });
  const navigate = useNavigate();
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const address = useRef<HTMLInputElement>(null);
  useEffect(() => { document.title = "Sign in · Westshore Hub"; }, []);

  async function submit(e: FormEvent<HTMLFormElement>): Promise<void> {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    setBusy(true);
    setProblem("");
    try {
      await call(client.POST("/session", { body: { email: String(form.get("email")), password: String(form.get("password")) } }));
      queryClient.clear();
      await queryClient.fetchQuery(sessionQuery);
      await navigate({ href: safe(to), replace: true });
    } catch (err) {
      const p = asProblem(err);
      setProblem(p.status === 429 ? "Too many tries. Wait a few minutes, then try again." : p.message);
      address.current?.focus();
    } finally {
      setBusy(false);
    }
  }

  return (
    <main className="flex h-full flex-col items-center overflow-y-auto px-4 py-[max(48px,14vh)]">
      <div className="w-full max-w-[348px]">
        <div className="mb-6 flex flex-col items-center gap-3 text-center">
          <Mark className="size-11 rounded-lg" />
          <div>
            <h1 className="text-page font-unread tracking-tight">Sign in to Westshore Hub</h1>
            <p className="mt-0.5 text-muted">{to ? "Sign in to go on where you were." : "Customer requests, answered together."}</p>
          </div>
        </div>
        <form onSubmit={(e) => void submit(e)} className="flex flex-col gap-4 rounded-lg border border-line bg-panel p-6 shadow-low">
          {problem && <p role="alert" className="rounded-sm bg-danger-soft px-3 py-2 text-danger">{problem}</p>}
          <Field label="Email address" name="email" type="email" autoComplete="username" ref={address} invalid={!!problem} />
          <Field label="Password" name="password" type="password" autoComplete="current-password" invalid={!!problem} />
          <Button kind="primary" type="submit" disabled={busy} className="mt-1 h-9 max-pane:h-11">{busy ? "Signing in" : "Sign in"}</Button>
        </form>
        <p className="mt-4 text-center text-chip text-subtle">No account, or no way in? An administrator of this hub can help.</p>
      </div>
    </main>
  );
}

function Field({ label, invalid, ref, ...rest }: { label: string; name: string; type: string; autoComplete: string; invalid: boolean; ref?: React.Ref<HTMLInputElement> }) {
  return (
    <label className="flex flex-col gap-1.5 font-label">
      {label}
      <input
        {...rest}
        ref={ref}
        required
        autoFocus={rest.name === "email"}
        aria-invalid={invalid || undefined}
        spellCheck={false}
        className="h-9 rounded-sm border border-line-strong bg-panel px-2.5 font-normal outline-offset-0 max-pane:h-11"
      />
    </label>
  );
}
