// What happens now: calls on the board as they come, whatever a caller calls themselves, and a daemon that is gone for a while.

import { Person, ask, equal, holds, run, test } from "./desk.mjs";

/// A call is on every board within so long of its first packet.
const SEEN_WITHIN_MS = 1_000;
/// Calls of which the quickest counts: the machine may be busy with other tests for a moment.
const CALLS = 3;

/// Notes in the page when each call was first there.
async function watchBoard(person) {
  await person.page.evaluate(() => {
    globalThis.since = {};
    const look = () => { for (const e of document.querySelectorAll("#board-calls .call")) globalThis.since[e.id] ??= Date.now(); };
    new MutationObserver(look).observe(document.getElementById("board-calls"), { childList: true, subtree: true });
    look();
  });
}

test("a call is on the board within a second, and leaves it when it is over", async () => {
  const desk = await Person.arrive({ lang: "zh", role: "receptionist" });
  await desk.go("/board");
  const wall = await Person.arrive({ lang: "en", role: "supervisor" });
  await wall.go("/board?wall=1");
  await watchBoard(desk);
  const took = [];
  for (let i = 0; i < CALLS; i++) {
    const { id, started_at } = JSON.parse(await ask("call"));
    for (const person of [desk, wall]) await person.sees(`#call-${id}`, "139****9000");
    took.push((await desk.page.evaluate((id) => globalThis.since[`call-${id}`], id)) - Date.parse(started_at));
    if (i === 0) {
      await desk.check("board with a call");
      await wall.check("wallboard with a call");
    }
    await desk.page.locator(`#call-${id}`).waitFor({ state: "detached" });
    await ask("call is over");
  }
  console.log(`  on the board after ${took.join(", ")} ms`);
  holds(Math.min(...took) < SEEN_WITHIN_MS, `calls were on the board after ${took.join(", ")} ms`);
});

test("a caller who calls themselves what a page could take for HTML is shown as text", async () => {
  const desk = await Person.arrive({ lang: "zh", role: "receptionist" });
  await desk.go("/board");
  const name = "<img src=x onerror=alert(1)>";
  const { id } = JSON.parse(await ask("odd name"));
  await desk.sees(`#call-${id} a.call-who[href="/pop/${id}"]`, name);
  await desk.check("board with an odd name");
  await desk.go(`/pop/${id}`);
  await desk.sees("main", name);
  await desk.check("caller with an odd name");
  await ask("call is over");
  const { number } = JSON.parse(await ask("last ticket"));
  for (const path of ["/tickets", `/tickets/${number}`, "/board", `/pop/${id}`]) {
    await desk.go(path);
    equal(await desk.page.locator("img[src=x]").count(), 0, `pictures of a caller's making at ${path}`);
  }
});

test("a page says that the daemon is gone, connects again by itself, and keeps what was typed", async () => {
  const board = await Person.arrive({ lang: "en", role: "receptionist" });
  await board.go("/board");
  const typing = await Person.arrive({ lang: "zh", screen: "phone", role: "supervisor" });
  await typing.go("/desk/journal");
  await typing.page.fill("form[action='/desk/journal'] [name=text]", "三号楼水泵有异响");
  board.meaning(/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE/);

  const cutOff = board.page.locator("#cut-off").waitFor({ state: "visible" });
  await ask("restart");
  await cutOff;
  await board.page.locator("#cut-off").waitFor({ state: "hidden" });
  await board.sees("#back");
  const { id } = JSON.parse(await ask("call"));
  await board.sees(`#call-${id}`);
  await ask("call is over");

  // Sessions outlive the daemon.
  await typing.page.click("form[action='/desk/journal'] button.main");
  await typing.sees(".said");
  await typing.sees("main", "三号楼水泵有异响");
});

test("a form that is sent while there is no network keeps what was typed", async () => {
  const person = await Person.arrive({ lang: "en", role: "receptionist" });
  await person.go("/desk/journal");
  await person.page.fill("form[action='/desk/journal'] [name=text]", "A pump is loud");
  person.meaning(/ERR_INTERNET_DISCONNECTED|htmx:/);
  await person.context.setOffline(true);
  await person.page.click("form[action='/desk/journal'] button.main");
  await person.sees("#told strong");
  equal(await person.page.inputValue("form[action='/desk/journal'] [name=text]"), "A pump is loud", "what was typed");
  await person.context.setOffline(false);
  await person.page.click("form[action='/desk/journal'] button.main");
  await person.sees(".said");
  await person.sees("main", "A pump is loud");
});

await run();
