// The console over HTTPS, by the daemon itself or behind a proxy.

import { Person, ask, equal, holds, run, test } from "./desk.mjs";

const proxy = (await ask("proxy")) === "yes";

test("somebody signs in, sees a call come, and what the browser keeps goes over HTTPS alone", async () => {
  const desk = await Person.arrive({ lang: "zh", role: "receptionist" });
  await desk.go("/board");
  const { id } = JSON.parse(await ask("call"));
  await desk.sees(`#call-${id}`, "139****9000");
  const cookies = await desk.context.cookies();
  holds(cookies.length > 0 && cookies.every((cookie) => cookie.secure && cookie.httpOnly && cookie.sameSite !== "None"), JSON.stringify(cookies));
  await desk.check("board over HTTPS");
});

test("who asked is the browser, whatever it says of itself; a proxy in front is believed", async () => {
  if (!proxy) return;
  const desk = await Person.arrive({ lang: "en" });
  await desk.context.setExtraHTTPHeaders({ "X-Forwarded-For": "198.51.100.7" });
  await desk.signIn("supervisor", "correct horse supervisor battery");
  const text = await ask("who signed in");
  holds(text.includes("127.0.0.1") && !text.includes("198.51.100.7"), `in the audit log: ${text}`);
});

test("a form that is sent while the desk is away keeps what was typed", async () => {
  if (!proxy) return;
  const desk = await Person.arrive({ lang: "en", role: "receptionist" });
  await desk.go("/desk/journal");
  const text = "form[action='/desk/journal'] [name=text]";
  await desk.page.fill(text, "A pump is loud");
  desk.refused(502);
  await ask("stop");
  await desk.page.click("form[action='/desk/journal'] button.main");
  await desk.sees("#told strong", "Away");
  equal(await desk.page.inputValue(text), "A pump is loud", "what was typed");
  await ask("restart");
  await desk.page.click("form[action='/desk/journal'] button.main");
  await desk.sees(".said");
  await desk.sees("main", "A pump is loud");
});

await run();
