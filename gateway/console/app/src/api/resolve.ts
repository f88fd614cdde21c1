// People write a request's number or an address; the API wants ids.
import { call, client } from "./client";
import { Problem } from "./problem";

const id = /^[0-9a-f]{32}$/i;
const words = (s: string): string[] => s.split(/[\s,;]+/).filter(Boolean);
const unknown = (what: string): Problem => new Problem(404, { detail: `Nobody is known by “${what}”. Write a request's number, or the address they write from.`, code: "not_found" });

/** The customer that a request's number, an address or an id names. */
export async function customerOf(text: string): Promise<string> {
  const said = text.trim();
  if (id.test(said)) return said.toLowerCase();
  if (/^#?\d+$/.test(said)) return (await call(client.GET("/tickets/{id}", { params: { path: { id: said.replace("#", "") } } }))).data.customer.id;
  const { data } = await call(client.GET("/tickets", { params: { query: { view: "all", limit: 50, q: said } } }));
  const found = data.items.find((t) => t.customer.address.toLowerCase() === said.toLowerCase());
  if (!found) throw unknown(said);
  return found.customer.id;
}

export const customersOf = (text: string): Promise<string[]> => Promise.all(words(text).map(customerOf));

/** The requests that numbers or ids name. */
export const ticketsOf = (text: string): Promise<string[]> => Promise.all(words(text).map(async (w) =>
  id.test(w) ? w.toLowerCase() : (await call(client.GET("/tickets/{id}", { params: { path: { id: w.replace("#", "") } } }))).data.id));
