// The desk's work at the console: tickets with their steps and clocks, two people at one ticket, messages, handover, journal,
// who is in.

import { Person, ask, equal, holds, run, test } from "./desk.mjs";

const step = (key) => `details.step:has(summary[data-key="${key}"])`;

async function ticketOf(kind) {
  return JSON.parse(await ask(`ticket ${kind}`)).number;
}

test("two people at one ticket: the second one is told what the first did, and nothing typed is lost", async () => {
  const number = await ticketOf("repair");
  const first = await Person.arrive({ lang: "zh", role: "supervisor" });
  const second = await Person.arrive({ lang: "en", role: "receptionist" });
  await first.go(`/tickets/${number}`);
  await first.page.fill("form[action$='/edit'] [name=room]", "502");
  await first.page.click("form[action$='/edit'] button.main");
  await first.sees(".said");
  for (const person of [first, second]) await person.go(`/tickets/${number}`);
  await second.page.fill("form[action$='/edit'] [name=building]", "7");
  await second.page.fill("form[action$='/edit'] [name=description]", "Lift stands still");

  // A note that is begun stays while another form is sent.
  await first.page.fill("form[action$='/note'] [name=note]", "<b>住户</b>在家等");
  await first.page.fill("form[action$='/edit'] [name=room]", "503");
  await first.page.click("form[action$='/edit'] button.main");
  await first.sees(".said");
  equal(await first.page.inputValue("form[action$='/note'] [name=note]"), "<b>住户</b>在家等", "what was typed in another form");
  await first.page.click("form[action$='/note'] button.main");
  await first.sees(".said");
  await first.sees(".history", "<b>住户</b>在家等");

  second.refused(412);
  await second.page.click("form[action$='/edit'] button.main");
  await second.sees("#told", "<b>住户</b>在家等");
  await second.check("ticket changed by another");
  equal(await second.page.inputValue("form[action$='/edit'] [name=building]"), "7", "what was typed stays");
  equal(await second.page.inputValue("form[action$='/edit'] [name=description]"), "Lift stands still", "what was typed stays");
  await second.page.click("form[action$='/edit'] button.main");
  await second.sees(".said");
  await first.go(`/tickets/${number}`);
  equal(await first.page.inputValue("form[action$='/edit'] [name=description]"), "Lift stands still", "what the second wrote");
  equal(await first.page.inputValue("form[action$='/edit'] [name=room]"), "503", "what the first had put right");
  await first.sees(".history", "<b>住户</b>在家等");
});

test("a ticket goes its way by keys: an engineer is sent, clocks stand still and go on, it is closed", async () => {
  const number = await ticketOf("repair");
  const desk = await Person.arrive({ lang: "zh", role: "receptionist" });
  await desk.go("/tickets");
  await desk.page.click(`th[scope=row] a:text-is('${number}')`);
  await desk.sees("h1", number);
  await desk.page.keyboard.press("1");
  await desk.sees(`${step(1)} form`);
  await desk.check("ticket with a step open");
  const engineer = desk.page.locator(`${step(1)} [name=engineer]`);
  if ((await engineer.count()) > 0) await engineer.fill("201");
  await desk.page.click(`${step(1)} form button.main`);
  await desk.sees(".said");

  const clock = desk.page.locator(".clock").filter({ has: desk.page.locator("form[action$='/pause']") }).first();
  await clock.locator("summary").click();
  await clock.locator("form[action$='/pause'] button.main").click();
  await desk.sees("form[action$='/resume']");
  await desk.check("ticket with a clock that stands still");
  await desk.page.click("form[action$='/resume'] button");
  await desk.page.locator("form[action$='/resume']").waitFor({ state: "detached" });

  await desk.page.keyboard.press("c");
  await desk.page.fill("form[action$='/close'] [name=note]", "误报");
  await desk.page.check("form[action$='/close'] [value=withdrawn]");
  await desk.page.click("form[action$='/close'] button.main");
  await desk.sees(".said");
  await desk.check("ticket closed");
  equal(JSON.parse(await ask(`state of ${number}`)).status, "closed", "the ticket");
});

test("a visit becomes a ticket by hand; a complaint has its stages and its sheet", async () => {
  const desk = await Person.arrive({ lang: "en", screen: "phone", role: "receptionist" });
  await desk.go("/tickets/new");
  const form = "form[action='/tickets/open']";
  await desk.page.selectOption(`${form} [name=kind]`, "complaint");
  await desk.page.selectOption(`${form} [name=channel]`, "visit");
  await desk.page.fill(`${form} [name=building]`, "3");
  await desk.page.fill(`${form} [name=description]`, "<script>alert(1)</script> Noise at night");
  await desk.page.click(`${form} button.main`);
  await desk.sees(".said");
  await desk.sees("h1", /\d{8}-\d{4}/);
  equal(await desk.page.inputValue("form[action$='/edit'] [name=description]"), "<script>alert(1)</script> Noise at night", "what was typed");
  await desk.check("ticket by hand");
  await desk.page.click("form[action$='/serious'] button");
  await desk.sees(".mark.red");
  const sheet = await desk.context.request.get(await desk.page.locator("a[href*='/sheet']").getAttribute("href"));
  equal(sheet.status(), 200, "the sheet");
  await desk.go("/tickets?view=stages&kind=complaint&mine=0");
  await desk.sees(".stages article", "3");
  await desk.check("stages");
});

test("a message is listened to, confirmed and forwarded", async () => {
  const desk = await Person.arrive({ lang: "zh", role: "receptionist" });
  await desk.go("/messages");
  const message = await desk.sees(".messages li.unheard", "137****7000");
  await desk.check("messages");
  const audio = message.locator("audio");
  if ((await audio.count()) > 0) {
    await audio.evaluate((audio) => audio.play());
    await desk.until("the recording plays", () => document.querySelector(".messages audio").currentTime > 0);
  } else {
    holds(false, "nothing to listen to");
  }
  await message.locator("details.step summary").click();
  await message.locator("[name=to]").fill("nobody");
  desk.refused(422);
  await message.locator("form[action$='/forward'] button.main").click();
  await desk.sees("#told strong");
  await message.locator("[name=to]").fill("张伟 201");
  await message.locator("form[action$='/forward'] button.main").click();
  await desk.sees(".said");
  await desk.sees(".messages li", "201");
  await desk.page.locator(".messages form[action$='/confirm'] button").first().click();
  await desk.sees(".said");
  await desk.go("/messages?view=all");
  await desk.sees(".messages li .mark.green");
});

test("a shift is signed on and off, and the journal is corrected, never rewritten", async () => {
  const desk = await Person.arrive({ lang: "zh", role: "receptionist" });
  await desk.go("/desk");
  await desk.page.click("form[action='/desk/sign-on'] button");
  await desk.sees(".said");
  await desk.page.fill("form[action='/desk/sign-off'] [name=note]", "三号楼<b>停水</b>，请留意");
  await desk.check("handover on shift");
  await desk.page.click("form[action='/desk/sign-off'] button.main");
  await desk.sees("main", "三号楼<b>停水</b>，请留意");

  await desk.go("/desk/journal");
  const form = "form[action='/desk/journal']";
  await desk.page.selectOption(`${form} [name=kind]`, "equipment");
  await desk.page.fill(`${form} [name=text]`, "水泵一号停");
  await desk.page.click(`${form} button.main`);
  const entry = await desk.sees("ol.history > li", "水泵一号停");
  await entry.locator("details.step summary").click();
  await entry.locator("[name=text]").fill("水泵二号停");
  await entry.locator("button.main").click();
  await desk.sees("ol.history > li", "水泵二号停");
  await desk.sees("ol.history > li", "水泵一号停");
  await desk.check("journal corrected");
});

test("who is out, and until when, is changed where the line knows it", async () => {
  const desk = await Person.arrive({ lang: "en", role: "receptionist" });
  await desk.go("/desk/people");
  const row = desk.page.locator("tr").filter({ has: desk.page.locator("form[action='/desk/people/201']") });
  const states = await row.locator("[name=state] option").evaluateAll((all) => all.map((option) => option.value));
  const out = states.find((state) => !["present", "in", "file"].includes(state));
  await row.locator("[name=state]").selectOption(out);
  await row.locator("[name=until]").fill("2099-12-31T18:00");
  await row.locator("button").click();
  await desk.sees(".said");
  await desk.sees("tr:has(form[action='/desk/people/201']) .mark.amber");
  holds((await ask("presence of 201")).includes("2099"), "the line does not know until when");
  await desk.check("people, one is out");
  await row.locator("[name=state]").selectOption("file");
  await row.locator("[name=until]").fill("");
  await row.locator("button").click();
  await desk.sees("tr:has(form[action='/desk/people/201']) .mark.green");
});

test("an engineer sees tickets, and neither messages nor other people's forms", async () => {
  const engineer = await Person.arrive({ lang: "en", screen: "phone", role: "engineer" });
  equal(engineer.path(), "/tickets", "where an engineer begins");
  const areas = await engineer.page.$$eval(".areas a", (links) => links.map((a) => a.getAttribute("href")));
  equal(areas, ["/tickets", "/calls"], "areas of an engineer");
  for (const path of ["/messages", "/desk", "/board", "/setup"]) await engineer.go(path, 403);
  const token = await engineer.page.evaluate(() => JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRF-Token"]);
  for (const path of ["/desk/journal", "/messages/1/confirm", "/setup/users"]) {
    const answer = await engineer.context.request.post(path, { form: { text: "x", kind: "note" }, headers: { "X-CSRF-Token": token } });
    equal(answer.status(), 403, `a form at ${path}`);
  }
});

test("the keys of a page are told by ?", async () => {
  const desk = await Person.arrive({ lang: "en", role: "receptionist" });
  await desk.go("/tickets");
  await desk.page.keyboard.press("?");
  await desk.sees("dialog#keys dt", "n");
  await desk.check("keys");
  await desk.page.keyboard.press("Escape");
  await desk.page.keyboard.press("n");
  await desk.until("the page of a new ticket", () => location.pathname === "/tickets/new");
  // Nothing is pressed while somebody types.
  await desk.page.locator("[name=description]").focus();
  await desk.page.keyboard.type("n1c?");
  equal(await desk.page.inputValue("[name=description]"), "n1c?", "what is typed");
});

await run();
