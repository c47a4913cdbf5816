// The receptionist's screen while the telephone rings: who calls, and what is done with them by keys alone.

import { Person, ask, equal, holds, run, test } from "./desk.mjs";

async function atTheDesk(lang) {
  const desk = await Person.arrive({ lang });
  await desk.signIn("wang", "correct horse wang battery");
  await desk.go("/board");
  return desk;
}

/// The page goes to the caller's by itself.
async function comes(desk, id) {
  await desk.until("the caller's page", (path) => location.pathname === path, `/pop/${id}`);
}

const key = async (desk, ...keys) => { for (const k of keys) await desk.page.keyboard.press(k); };

test("who rings is on the screen before hello; a ticket, a note, parking and giving back go by keys", async () => {
  const desk = await atTheDesk("zh");
  const { id } = JSON.parse(await ask("call"));
  await comes(desk, id);
  await desk.sees("h1", "3-1201");
  await desk.sees("h1", "李四");
  await desk.sees("#pop-now", "王芳");
  await desk.check("a caller who rings");
  await ask("lift");
  await desk.sees("#pop-now form[action$='/park']");
  await desk.check("a caller on the line");

  // A ticket, of what is typed while they talk.
  await key(desk, "o");
  await desk.page.keyboard.type("楼道灯不亮");
  await key(desk, "Control+Enter");
  await desk.sees(".said");
  await desk.sees(".pop-tickets li", "楼道灯不亮");
  await desk.sees(".pop-tickets .mark.blue");
  const { tickets } = JSON.parse(await ask(`call ${id}`));
  equal(tickets.length, 1, "tickets of the call");

  // What is typed stays when the caller is parked, and nobody is taken back to a page that they have left.
  await key(desk, "n");
  await desk.page.keyboard.type("明早有人在家");
  await key(desk, "Escape", "p");
  await desk.sees("#pop-now form[action$='/pick-up']");
  equal(await desk.page.inputValue("form[action$='/note'] [name=text]"), "明早有人在家", "what was typed");
  await desk.check("a caller who is parked");
  await key(desk, "n", "Control+Enter");
  await desk.sees(".said");
  await desk.page.click(".areas a[href='/board']");
  await desk.sees(`#call-${id}`);
  equal(desk.path(), "/board", "where the receptionist wants to be");
  await desk.sees("#pop a.pop-call", "李四");
  await key(desk, "g");
  await desk.until("the caller's page again", (path) => location.pathname === path, `/pop/${id}`);
  await desk.sees("#pop-now form[action$='/pick-up']");
  await key(desk, "u");
  await ask("rings again");
  await ask("lift");
  await desk.sees("#pop-now form[action$='/back']");
  await key(desk, "b");
  await desk.page.locator("#pop-now form[action$='/back']").waitFor({ state: "detached" });
  const shown = (await desk.text("#pop-now")).trim();
  holds(/菜单|按键|听/.test(shown), `back in the menu: ${shown}`);
});

test("a caller is handed on to whom is named, and their page says who has them", async () => {
  const desk = await atTheDesk("en");
  const { id } = JSON.parse(await ask("call"));
  await comes(desk, id);
  // What was opened in the call before is open for them, and a repair goes no step further by Enter alone.
  await desk.sees(".pop-tickets li", "楼道灯不亮");
  await key(desk, "a");
  await desk.page.keyboard.type("told to wait");
  await key(desk, "Enter");
  equal(await desk.page.inputValue(".pop-advance [name=note]"), "told to wait", "nothing was sent");
  await key(desk, "Escape");
  await ask("lift");
  await desk.sees("#pop-now form[action$='/park']");
  await key(desk, "t");
  await desk.page.keyboard.type("张伟");
  await key(desk, "Enter");
  await desk.sees(".said");
  await ask("rings again");
  await ask("lift and take");
  await desk.sees("#pop-now", "张伟");
  await desk.check("a caller who was handed on");
  await ask("hang up");
  await desk.sees("#pop-now .over");
});

await run();
