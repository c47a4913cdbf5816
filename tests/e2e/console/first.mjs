// A desk that nobody has an account of yet.

import { Person, ask, equal, run, test } from "./desk.mjs";

test("the first administrator comes in by the link on the machine's console, which opens once", async () => {
  const link = await ask("first link");
  const first = await Person.arrive({ lang: "en" });
  await first.go(link);
  await first.check("welcome first");
  const fill = async (name, password, again) => {
    await first.page.fill("[name=name]", name);
    await first.page.fill("[name=full_name]", "Chen Jing");
    await first.page.fill("[name=password]", password);
    await first.page.fill("[name=again]", again);
    await first.send("main form");
  };
  first.refused(422);
  await fill("chen.jing", "password123", "password123");
  await first.sees("[role=alert]");
  equal(await first.page.inputValue("[name=name]"), "chen.jing", "what was typed stays");
  await fill("chen.jing", "four words that differ", "four words that do not");
  await first.sees("[role=alert]");
  await fill("chen.jing", "four words that hold", "four words that hold");
  await first.sees("header.bar", "Chen Jing");
  await first.go("/setup/users");
  await first.sees("th[scope=row]", "chen.jing");

  const second = await Person.arrive({ lang: "zh" });
  await second.go(link, 404);
  await second.check("welcome used");
});

await run();
