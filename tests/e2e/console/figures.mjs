// The call log with its details, answer times, and the flow with its figures: each role, both languages, both screens.

import { Person, equal, holds, run, test } from "./desk.mjs";

/// Newest of the log whose outcome is this.
const newest = (person, outcome) => person.page.evaluate(async (outcome) =>
  (await (await fetch(`/api/v1/calls?outcome=${outcome}&limit=1`)).json()).items[0], outcome);

test("a supervisor finds a call, hears what was said, and takes the list away", async () => {
  const person = await Person.arrive({ role: "supervisor" });
  await person.go("/calls?outcome=ticket&through=repair");
  const call = await newest(person, "ticket");
  await person.check("calls");
  await person.page.click(`a[href="/calls/${call.id}"]`);
  await person.sees(".timeline li.key", "3*1201#");
  equal(await person.page.locator(`a[href="/calls/${call.id}/ladder"]`).count(), 0, "SIP messages are not for supervisors");
  // By the keyboard alone.
  await person.page.focus("[data-player]");
  await person.page.keyboard.press("Space");
  await person.until("the waveform is drawn", () => !document.querySelector("[data-player] canvas").hidden);
  await person.page.keyboard.press("ArrowRight");
  await person.page.keyboard.press("]");
  await person.until("it plays on, faster", () => { const a = document.querySelector("audio"); return a.currentTime >= 5 && a.playbackRate === 1.25; });
  await person.page.keyboard.press("Space");
  await person.check("call");
  const csv = await person.context.request.get("/calls/export?through=repair");
  holds(csv.headers()["content-disposition"].includes("attachment") && (await csv.text()).startsWith("\ufeff编号,"), "a table in Chinese");
  await person.go(`/calls/${call.id}/ladder`, 403);
});

test("an administrator reads the SIP messages", async () => {
  const person = await Person.arrive({ role: "administrator", lang: "en", screen: "phone" });
  await person.go("/calls");
  const call = await newest(person, "ticket");
  await person.go(`/calls/${call.id}/ladder`);
  await person.sees(".sip-messages summary", "INVITE");
  await person.check("ladder");
  const packets = await person.context.request.get(`/calls/${call.id}/ladder.pcap`);
  equal(packets.headers()["content-disposition"], `attachment; filename="call-${call.id}.pcap"`, "the file of packets");
  const bytes = await packets.body();
  equal(bytes.readUInt32LE(0), 0xa1b2c3d4, "what a file of packets begins with");
  holds(bytes.includes("INVITE sip:desk@"), "the first request is in it");
});

for (const [lang, screen] of [["zh", "desk"], ["en", "phone"]]) {
  test(`answer times and the flow are drawn, and told in tables: ${lang}, ${screen}`, async () => {
    const person = await Person.arrive({ role: "supervisor", lang, screen });
    // Also where the page was come to without a new one being loaded.
    await person.go("/calls");
    await person.page.click('.areas a[href="/answer-times"]');
    await person.until("three charts", () => document.querySelectorAll(".chart canvas").length === 3);
    await person.sees("#over-time tbody td", "%");
    await person.sees(".heat td.level5");
    await person.check("answer-times");
    await person.go("/setup/flow");
    await person.sees("svg .node", lang === "zh" ? "主菜单" : "Main menu");
    await person.page.focus("svg .node");
    await person.page.keyboard.press("Enter");
    await person.sees("tr:target");
    await person.check("flow");
  });
}

test("engineers see calls with numbers hidden, and no figures", async () => {
  const person = await Person.arrive({ role: "engineer", lang: "en" });
  await person.go("/calls");
  await person.sees("tbody th");
  await person.check("calls-engineer");
  await person.go("/answer-times", 403);
  await person.go("/setup/flow", 403);
});

await run();
