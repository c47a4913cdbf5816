// Wrong passwords. They are counted by address too, so that this has a console of its own.

import { Person, equal, passwordOf, run, test } from "./desk.mjs";

test("wrong passwords lock an account in the same words as a wrong name; an administrator unlocks it", async () => {
  const person = await Person.arrive({ lang: "en" });
  person.refused(422);
  const told = async (name, password) => { await person.signIn(name, password); return person.text("[role=alert]"); };
  const unknown = await told("nobody", "whatever it may be");
  for (let i = 0; i < 5; i++) equal(await told("locked", `wrong password ${i}`), unknown, "what is told");
  await person.check("sign-in wrong");
  equal(await told("locked", passwordOf("locked")), unknown, "locked: what is told of the right password");

  const administrator = await Person.arrive({ lang: "zh", role: "administrator" });
  await administrator.go("/setup/users");
  await administrator.page.click("th[scope=row] a:text-is('locked')");
  await administrator.sees("form[action$='/enabled']");
  await administrator.check("account locked");
  await administrator.page.click("form[action$='/enabled'] button");
  await administrator.sees(".said");
  await person.signIn("locked", passwordOf("locked"));
  await person.sees("header.bar");
});

await run();
