import { cx } from "../ui/cx";

/** The product's mark: an open tray. */
export const Mark = ({ className }: { className?: string }) => (
  <span aria-hidden className={cx("inline-flex items-center justify-center bg-accent text-white", className)}>
    <svg viewBox="0 0 32 32" className="size-full" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" strokeLinejoin="round">
      <path d="M8.5 18.5v3a2 2 0 0 0 2 2h11a2 2 0 0 0 2-2v-3m-15 0 2.7-8.2a2 2 0 0 1 1.9-1.3h5.8a2 2 0 0 1 1.9 1.3l2.7 8.2m-15 0h3.6a1 1 0 0 1 .9.6l.6 1.1a1 1 0 0 0 .9.6h3a1 1 0 0 0 .9-.6l.6-1.1a1 1 0 0 1 .9-.6h3.6" />
    </svg>
  </span>
);
