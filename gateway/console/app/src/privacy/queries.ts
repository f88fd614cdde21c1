// What the privacy office reads, and how its commands are sent.
import { queryOptions } from "@tanstack/react-query";
import { call, client } from "../api/client";
import { queryClient } from "../api/queries";
import type { components } from "../api/schema";

type Schemas = components["schemas"];
export type PrivacyRequest = Schemas["Request"];
export type Step = Schemas["Step"];
export type Erasure = Schemas["Erasure"];
export type Hold = Schemas["Hold"];
export type Sweep = Schemas["Sweep"];
export type Rule = Schemas["RetentionRuleShown"];
export type Processor = Schemas["Processor"];
export type AccessLine = Schemas["AccessLine"];

export type Shown = "open" | "closed" | "all";

export const requestsQuery = (state: Shown) => queryOptions({
  queryKey: ["privacy", "requests", state],
  queryFn: ({ signal }) => call(client.GET("/privacy/requests", { signal, params: { query: { state, limit: 100 } } })).then((a) => a.data),
});

export const requestQuery = (id: string) => queryOptions({
  queryKey: ["privacy", "request", id],
  queryFn: ({ signal }) => call(client.GET("/privacy/requests/{id}", { signal, params: { path: { id } } })).then((a) => a.data),
  refetchInterval: 5000,
});

export const erasureQuery = (id: string) => queryOptions({
  queryKey: ["privacy", "erasure", id],
  queryFn: ({ signal }) => call(client.GET("/privacy/requests/{id}/erasure", { signal, params: { path: { id } } })).then((a) => a.data),
  refetchInterval: 5000,
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

export const accessQuery = (pages: number) => queryOptions({
  queryKey: ["privacy", "access", pages],
  queryFn: async ({ signal }) => {
    let after = "";
    const items: AccessLine[] = [];
    for (let i = 0; ; i++) {
      const a = await call(client.GET("/privacy/audit", { signal, params: { query: { limit: 100, ...(after && { after }) } } }));
      items.push(...a.data.items);
      after = a.data.next;
      if (!after || i + 1 >= pages) return { items, next: after };
    }
  },
});

export const consentsQuery = (customer: string) => queryOptions({
  queryKey: ["privacy", "consents", customer],
  queryFn: ({ signal }) => call(client.GET("/privacy/consents", { signal, params: { query: { customer, limit: 50 } } })).then((a) => a.data.items),
});

export const again = (): void => void queryClient.invalidateQueries({ queryKey: ["privacy"] });
export const keyed = (id: string, key: string) => ({ params: { path: { id } }, headers: { "Idempotency-Key": key } });
