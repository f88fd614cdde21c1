// What the privacy office reads, and how its commands are sent.
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call, client } from "../api/client";
import { joinPages, queryClient } from "../api/queries";
import type { components } from "../api/schema";
import type { Customer } from "../api/types";

type Schemas = components["schemas"];
export type PrivacyRequest = Schemas["Request"];
export type Step = Schemas["Step"];
export type Erasure = Schemas["Erasure"];
export type ErasureScope = Schemas["ErasureScope"];
export type Hold = Schemas["Hold"];
export type Sweep = Schemas["Sweep"];
export type Rule = Schemas["RetentionRuleShown"];
export type Schedule = Schemas["ScheduleOutputBody"];
export type ScheduleChange = Schemas["ScheduleChange"];
export type ScheduleEffect = Schemas["ScheduleEffect"];
export type Processor = Schemas["Processor"];
export type Demand = Schemas["Demand"];
export type Case = Schemas["Case"];
export type Transfer = Schemas["Transfer"];
export type Scope = Schemas["Scope"];

export type Shown = "open" | "closed" | "all";

export const requestsQuery = (state: Shown) => queryOptions({
  queryKey: ["privacy", "requests", state],
  queryFn: ({ signal }) => call(client.GET("/privacy/requests", { signal, params: { query: { state, limit: 100 } } })).then((a) => a.data),
});

export const requestQuery = (id: string) => queryOptions({
  queryKey: ["privacy", "request", id],
  queryFn: ({ signal }) => call(client.GET("/privacy/requests/{id}", { signal, params: { path: { id } } })).then((a) => a.data),
});

export const erasureQuery = (id: string) => queryOptions({
  queryKey: ["privacy", "erasure", id],
  queryFn: ({ signal }) => call(client.GET("/privacy/requests/{id}/erasure", { signal, params: { path: { id } } })).then((a) => a.data),
  retry: false,
});

export const scheduleQuery = queryOptions({
  queryKey: ["privacy", "schedule"],
  queryFn: ({ signal }) => call(client.GET("/privacy/schedule", { signal })).then((a) => a.data),
});

export const dueQuery = queryOptions({
  queryKey: ["privacy", "due"],
  queryFn: ({ signal }) => call(client.GET("/privacy/preview", { signal })).then((a) => a.data),
});

export const sweepsQuery = queryOptions({
  queryKey: ["privacy", "sweeps"],
  queryFn: ({ signal }) => call(client.GET("/privacy/sweeps", { signal, params: { query: { limit: 30 } } })).then((a) => a.data),
});

export const holdsQuery = (state: Shown) => queryOptions({
  queryKey: ["privacy", "holds", state],
  queryFn: ({ signal }) => call(client.GET("/privacy/holds", { signal, params: { query: { state, limit: 100 } } })).then((a) => a.data.items),
});

export const processorsQuery = queryOptions({
  queryKey: ["privacy", "processors"],
  queryFn: ({ signal }) => call(client.GET("/privacy/processors", { signal })).then((a) => a.data.items),
});

export const registryQuery = queryOptions({
  queryKey: ["privacy", "registry"],
  queryFn: ({ signal }) => call(client.GET("/privacy/registry", { signal })).then((a) => a.data),
});

export const accessQuery = (actor: string, pages: number) => queryOptions({
  queryKey: ["privacy", "access", actor, pages],
  queryFn: ({ signal }) => joinPages(pages, (after) => call(client.GET("/privacy/audit", { signal, params: { query: { limit: 100, ...(actor && { actor }), ...after } } }))),
});

const page = (state: Shown) => ({ params: { query: { state, limit: 100 } } });
const byId = (id: string) => ({ params: { path: { id } } });

export const holdQuery = (id: string) => queryOptions({
  queryKey: ["privacy", "hold", id],
  queryFn: ({ signal }) => call(client.GET("/privacy/holds/{id}", { signal, ...byId(id) })).then((a) => a.data),
});

export const demandsQuery = (state: Shown) => queryOptions({
  queryKey: ["privacy", "demands", state],
  queryFn: ({ signal }) => call(client.GET("/privacy/disclosures", { signal, ...page(state) })).then((a) => a.data.items),
});

export const demandQuery = (id: string) => queryOptions({
  queryKey: ["privacy", "demand", id],
  queryFn: ({ signal }) => call(client.GET("/privacy/disclosures/{id}", { signal, ...byId(id) })).then((a) => a.data),
});

/** What a hold or a demand is about, in words. Each reading is noted in the access log, so it is asked for. */
export const matterQuery = (list: "holds" | "disclosures", id: string) => queryOptions({
  queryKey: ["matter", list, id],
  queryFn: ({ signal }) => call(client.GET("/privacy/{list}/{id}/matter", { signal, params: { path: { list, id } } })).then((a) => a.data),
  staleTime: Infinity,
  retry: false,
});

export const casesQuery = (state: Shown) => queryOptions({
  queryKey: ["privacy", "cases", state],
  queryFn: ({ signal }) => call(client.GET("/privacy/cases", { signal, ...page(state) })).then((a) => a.data.items),
});

export const caseQuery = (id: string) => queryOptions({
  queryKey: ["privacy", "case", id],
  queryFn: ({ signal }) => call(client.GET("/privacy/cases/{id}", { signal, ...byId(id) })).then((a) => a.data),
});

export const transfersQuery = queryOptions({
  queryKey: ["privacy", "transfers"],
  queryFn: ({ signal }) => call(client.GET("/privacy/transfers", { signal, ...page("all") })).then((a) => a.data.items),
});

export const transferQuery = (id: string) => queryOptions({
  queryKey: ["privacy", "transfer", id],
  queryFn: ({ signal }) => call(client.GET("/privacy/transfers/{id}", { signal, ...byId(id) })).then((a) => a.data),
});

export const trailQuery = (family: Family | "", pages: number) => queryOptions({
  queryKey: ["privacy", "trail", family, pages],
  queryFn: ({ signal }) => joinPages(pages, (after) => call(client.GET("/privacy/trail", { signal, params: { query: { limit: 100, ...(family && { family }), ...after } } }))),
  placeholderData: keepPreviousData,
});
export type Family = "dsr" | "hold" | "demand" | "case" | "transfer" | "registry" | "privacy" | "customer";

/** Who was given what: of one customer, or the newest of all. */
export const givenQuery = (customer = "") => queryOptions({
  queryKey: ["privacy", "given", customer],
  queryFn: ({ signal }) => call(client.GET("/privacy/recipients", { signal, params: { query: { limit: 200, ...(customer && { customer }) } } })).then((a) => a.data.items),
});

export const consentsQuery = (customer: string) => queryOptions({
  queryKey: ["privacy", "consents", customer],
  queryFn: ({ signal }) => call(client.GET("/privacy/consents", { signal, params: { query: { customer, limit: 50 } } })).then((a) => a.data),
});

/** What the office has about one customer. Holds are named by their scope, so they are looked for in it. */
export const officeOfQuery = (c: Customer) => queryOptions({
  queryKey: ["privacy", "of", c.id],
  queryFn: async ({ signal }) => {
    const [requests, holds, given] = await Promise.all([
      call(client.GET("/privacy/requests", { signal, params: { query: { state: "all", limit: 50, customer: c.id } } })),
      call(client.GET("/privacy/holds", { signal, params: { query: { state: "open", limit: 200 } } })),
      call(client.GET("/privacy/recipients", { signal, params: { query: { customer: c.id, limit: 50 } } })),
    ]);
    const about = ({ scope }: Hold): boolean => !!scope.subjects?.includes(c.id) || c.tickets.some((t) => scope.tickets?.includes(t.id));
    return { requests: requests.data.items, holds: holds.data.items.filter(about), given: given.data.items };
  },
});

export const again = (): void => void queryClient.invalidateQueries({ queryKey: ["privacy"] });
