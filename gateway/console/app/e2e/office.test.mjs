// Flows of the privacy office that need two persons, and what a person's page shows.
import assert from "node:assert/strict";
import { fileIds } from "../dev/files.mjs";
import { office } from "../dev/office.mjs";
import { becomes, flow } from "./harness.mjs";

const { ids } = office();
const act = (page, name) => page.getByRole("dialog").getByRole("button", { name, exact: true }).click();
const begin = (page, name) => page.getByRole("button", { name: `${name}…` }).click();

flow("a hold needs the yes of a second person", { path: "/office/holds" }, async ({ page, hub }) => {
  await page.getByRole("link", { name: "A law asks for the data to be kept" }).click();
  await begin(page, "Agree");
  await act(page, "Agree");
  await becomes(() => hub.db.office.holds[1].state, "placed");
  await begin(page, "Propose a later review");
  await page.getByLabel("Look at it again on").fill("2027-12-01");
  await act(page, "Propose a later review");
  await becomes(() => hub.db.office.holds[1].pending, "extend");
  await page.getByText("Later review proposed").first().waitFor();
  assert.equal(await page.getByRole("button", { name: "Agree…" }).getAttribute("aria-disabled"), "true", "who proposed it cannot agree to it");
});

flow("a demand is handed out after the second approval only", { path: `/office/demands/${fileIds.demand}` }, async ({ page, hub }) => {
  assert.equal(await page.getByRole("button", { name: "Make the package…" }).count(), 0);
  await begin(page, "Approve");
  await act(page, "Approve");
  await begin(page, "Make the package");
  await act(page, "Make the package");
  await becomes(() => hub.db.office.demands[0].state, "sealed");
  await page.getByRole("button", { name: "Fetch the package" }).waitFor();
});

flow("nobody reads a case alone", { path: `/office/cases/${fileIds.case}` }, async ({ page, hub }) => {
  const read = page.getByRole("button", { name: "Read the file" });
  assert.equal(await read.getAttribute("aria-disabled"), "true");
  await begin(page, "Let somebody in");
  const offered = await page.getByLabel("Who").locator("option").allTextContents();
  assert.deepEqual(offered, ["Tomasz Król"], "not oneself");
  await act(page, "Let somebody in");
  await becomes(() => hub.db.office.cases[0].granted[0]?.agent, "agent-tomasz");
  hub.db.office.cases[0].granted.push({ agent: "agent-maya", approved_by: "agent-tomasz", until: new Date(Date.now() + 3_600_000).toISOString() });
  await page.reload();
  await read.click();
  await page.getByText("Both orders came within a minute.").waitFor();
  await page.getByText("read 2 times").waitFor();
});

flow("a change of the schedule shows first what it would do", { path: "/office/retention" }, async ({ page, hub }) => {
  const { schedule } = hub.db.office;
  await page.getByRole("button", { name: "Change R-MAILRAW" }).click();
  await page.getByLabel("Kept for").fill("3");
  await page.getByLabel("Why").fill("Shorter is enough");
  await act(page, "See what it would do");
  await page.getByText("40 keys would be due at once.").waitFor();
  assert.equal(schedule.version, 3, "looking is not changing");
  await act(page, "Change the schedule");
  await becomes(() => schedule.version, 4);
  assert.equal(schedule.rules.find((r) => r.class === "R-MAILRAW").keep, "P3M");
});

flow("a sweep is declined", { path: "/office/retention" }, async ({ page, hub }) => {
  await begin(page, "Decline");
  await act(page, "Decline");
  await becomes(() => hub.db.office.sweeps[0].state, "declined");
});

flow("a request is taken by the number of one of theirs, and doubted", { path: "/office/requests" }, async ({ page, hub }) => {
  await page.getByRole("button", { name: "Take a request" }).click();
  await page.getByLabel("Customer").fill("#48213");
  await act(page, "Take the request");
  await page.getByText("Not proved yet").waitFor();
  assert.equal(hub.db.office.requests.at(-1).customer, "customer-0");
  await begin(page, "Doubt who asks");
  await act(page, "Doubt who asks");
  await becomes(() => hub.db.office.requests.at(-1).doubted, true);
  await page.getByText("In doubt", { exact: true }).waitFor();
});

flow("an answer of a recipient is noted", { path: `/office/requests/${ids.erasure}` }, async ({ page, hub }) => {
  await page.getByRole("button", { name: "They did it" }).click();
  await becomes(() => hub.db.office.erasures[ids.erasure].recipients[0].answered, true);
  await page.getByText("Done there too").waitFor();
});

flow("consents of a person, with their ledger", { path: "/inbox/unassigned/48213" }, async ({ page, hub }) => {
  await page.getByRole("complementary", { name: "Customer" }).getByRole("link", { name: "Ada Berglund" }).click();
  await page.getByText("Given", { exact: true }).waitFor();
  await begin(page, "They take it back");
  await act(page, "Note it");
  await becomes(() => hub.db.office.consents[0].state, "withdrawn");
  await page.getByText("Taken back", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Show the ledger, 3 entries" }).click();
  await page.getByText("Consent withdrawn").waitFor();
});

flow("the trail opens to the facts", { path: "/office/audit" }, async ({ page }) => {
  await page.getByLabel("About").selectOption("demand");
  await page.getByText("Legal demand reviewed").click();
  await page.getByText('"reason": "court-order"').waitFor();
  assert.equal(await page.getByText("Business transfer announced").count(), 0);
});
