import { useEffect, useRef, useState } from "react";

/** Gives a key pressed inside the frame to the page, so that keys work wherever the focus is. */
function passOn(e: KeyboardEvent, to: HTMLElement): void {
  const { key, code, ctrlKey, metaKey, shiftKey, altKey } = e;
  const taken = !to.dispatchEvent(new KeyboardEvent("keydown", { key, code, ctrlKey, metaKey, shiftKey, altKey, bubbles: true, cancelable: true }));
  if (taken) e.preventDefault();
}

/**
 * HTML mail on white paper, in a frame that can run no script. The document comes from the server with a policy of
 * its own; because nothing in it can act, this page may reach in to measure it and to pass key presses on.
 */
export function MailFrame({ ticket, message, from }: { ticket: string; message: string; from: string }) {
  const frame = useRef<HTMLIFrameElement>(null);
  const [height, setHeight] = useState(120);
  const [ready, setReady] = useState(false);

  useEffect(() => {
    const f = frame.current;
    if (!f) return;
    let watch: ResizeObserver | undefined;
    const measure = (): void => {
      const root = f.contentDocument?.documentElement;
      const body = f.contentDocument?.body;
      if (root && body) setHeight(Math.min(20_000, Math.max(40, Math.ceil(Math.max(body.scrollHeight, body.getBoundingClientRect().height)) + 2)));
    };
    const loaded = (): void => {
      const doc = f.contentDocument;
      setReady(true);
      if (!doc?.body) return;
      doc.body.style.display = "flow-root"; // keeps the first and last margin inside what is measured
      measure();
      watch?.disconnect();
      watch = new ResizeObserver(measure);
      watch.observe(doc.body);
      doc.addEventListener("keydown", (e) => passOn(e, f));
    };
    f.addEventListener("load", loaded);
    return () => { f.removeEventListener("load", loaded); watch?.disconnect(); };
  }, []);

  return (
    <div className="mt-1 overflow-hidden rounded-md border border-line bg-white">
      <iframe
        ref={frame}
        title={`Mail from ${from}`}
        sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"
        referrerPolicy="no-referrer"
        src={`/api/v1/messages/${encodeURIComponent(ticket)}/${encodeURIComponent(message)}/body`}
        className="block w-full transition-opacity"
        style={{ height, colorScheme: "light", opacity: ready ? 1 : 0 }}
      />
    </div>
  );
}
