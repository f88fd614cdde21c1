import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from "@tanstack/react-router";
import { queryClient, sessionQuery } from "./api/queries";
import { Problem } from "./api/problem";
import { InboxPage } from "./inbox/InboxPage";
import { LoginPage } from "./login/LoginPage";
import { Shell } from "./shell/Shell";
import { loadTicket } from "./ticket/load";
import { BootError, NotFound, PageError } from "./shell/pages";

const root = createRootRoute({ component: Outlet, notFoundComponent: NotFound });

const text = (v: unknown): string | undefined => (typeof v === "string" && v !== "" ? v : typeof v === "number" ? String(v) : undefined);

const login = createRoute({
  getParentRoute: () => root, path: "/login", component: LoginPage,
  validateSearch: (s: Record<string, unknown>): { to?: string } => ({ to: text(s.to) }),
});

/** Everything behind the sign-in. */
const shell = createRoute({
  getParentRoute: () => root, id: "shell", component: Shell, errorComponent: BootError,
  beforeLoad: async ({ location }) => {
    try {
      await queryClient.ensureQueryData(sessionQuery);
    } catch (e) {
      if (e instanceof Problem && e.status === 401) {
        throw redirect({ to: "/login", search: location.pathname === "/" ? {} : { to: location.href } });
      }
      throw e;
    }
  },
});

const home = createRoute({
  getParentRoute: () => shell, path: "/",
  beforeLoad: () => { throw redirect({ to: "/inbox/$view", params: { view: "unassigned" } }); },
});

const search = (s: Record<string, unknown>): { q?: string } => ({ q: text(s.q) });
const inbox = createRoute({ getParentRoute: () => shell, path: "/inbox/$view", component: InboxPage, validateSearch: search });
const ticket = createRoute({ getParentRoute: () => inbox, path: "/$ticket", beforeLoad: () => void loadTicket() });
const permalink = createRoute({ getParentRoute: () => shell, path: "/t/$ticket", component: lazyRouteComponent(() => import("./ticket/PermalinkPage"), "PermalinkPage") });

const outbox = createRoute({
  getParentRoute: () => shell, path: "/ops/outbox", component: lazyRouteComponent(() => import("./ops/OutboxPage"), "OutboxPage"),
  validateSearch: (s: Record<string, unknown>): { state?: string } => ({ state: text(s.state) }),
});
const quarantine = createRoute({ getParentRoute: () => shell, path: "/ops/quarantine", component: lazyRouteComponent(() => import("./ops/QuarantinePage"), "QuarantinePage") });
const mail = createRoute({ getParentRoute: () => shell, path: "/ops/mail", component: lazyRouteComponent(() => import("./ops/MailboxesPage"), "MailboxesPage") });
const connected = createRoute({
  getParentRoute: () => shell, path: "/mailboxes/connected", component: lazyRouteComponent(() => import("./ops/ConnectedPage"), "ConnectedPage"),
  validateSearch: (s: Record<string, unknown>): { state?: string; code?: string; error?: string } => ({ state: text(s.state), code: text(s.code), error: text(s.error) }),
});
const system = createRoute({ getParentRoute: () => shell, path: "/ops/system", component: lazyRouteComponent(() => import("./ops/SystemPage"), "SystemPage") });
const notices = createRoute({ getParentRoute: () => shell, path: "/ops/notices", component: lazyRouteComponent(() => import("./notices/NoticesPage"), "NoticesPage") });

const office = createRoute({ getParentRoute: () => shell, path: "/office", beforeLoad: () => { throw redirect({ to: "/office/requests" }); } });
const requests = createRoute({ getParentRoute: () => shell, path: "/office/requests", component: lazyRouteComponent(() => import("./privacy/RequestsPage"), "RequestsPage") });
const request = createRoute({ getParentRoute: () => shell, path: "/office/requests/$id", component: lazyRouteComponent(() => import("./privacy/RequestPage"), "RequestPage") });
const retention = createRoute({ getParentRoute: () => shell, path: "/office/retention", component: lazyRouteComponent(() => import("./privacy/RetentionPage"), "RetentionPage") });
const holds = createRoute({ getParentRoute: () => shell, path: "/office/holds", component: lazyRouteComponent(() => import("./privacy/HoldsPage"), "HoldsPage") });
const hold = createRoute({ getParentRoute: () => shell, path: "/office/holds/$id", component: lazyRouteComponent(() => import("./privacy/HoldPage"), "HoldPage") });
const demands = createRoute({ getParentRoute: () => shell, path: "/office/demands", component: lazyRouteComponent(() => import("./privacy/DemandsPage"), "DemandsPage") });
const demand = createRoute({ getParentRoute: () => shell, path: "/office/demands/$id", component: lazyRouteComponent(() => import("./privacy/DemandPage"), "DemandPage") });
const cases = createRoute({ getParentRoute: () => shell, path: "/office/cases", component: lazyRouteComponent(() => import("./privacy/CasesPage"), "CasesPage") });
const oneCase = createRoute({ getParentRoute: () => shell, path: "/office/cases/$id", component: lazyRouteComponent(() => import("./privacy/CasePage"), "CasePage") });
const transfers = createRoute({ getParentRoute: () => shell, path: "/office/transfers", component: lazyRouteComponent(() => import("./privacy/TransfersPage"), "TransfersPage") });
const transfer = createRoute({ getParentRoute: () => shell, path: "/office/transfers/$id", component: lazyRouteComponent(() => import("./privacy/TransferPage"), "TransferPage") });
const register = createRoute({ getParentRoute: () => shell, path: "/office/register", component: lazyRouteComponent(() => import("./privacy/RegisterPage"), "RegisterPage") });
const audit = createRoute({
  getParentRoute: () => shell, path: "/office/audit", component: lazyRouteComponent(() => import("./privacy/AuditPage"), "AuditPage"),
  validateSearch: (s: Record<string, unknown>): { show?: "opened" | "given" } => (s.show === "opened" || s.show === "given" ? { show: s.show } : {}),
});
const customer = createRoute({ getParentRoute: () => shell, path: "/customers/$id", component: lazyRouteComponent(() => import("./customer/CustomerPage"), "CustomerPage") });

const routeTree = root.addChildren([
  login,
  shell.addChildren([
    home, inbox.addChildren([ticket]), permalink, customer, outbox, quarantine, mail, connected, system, notices,
    office, requests, request, retention, holds, hold, demands, demand, cases, oneCase, transfers, transfer, register, audit,
  ]),
]);

export const router = createRouter({ routeTree, defaultPreload: false, defaultPendingMs: 10_000, defaultErrorComponent: PageError });

declare module "@tanstack/react-router" {
  interface Register { router: typeof router }
}
