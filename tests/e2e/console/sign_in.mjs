// Signing in and out: one-time links, the second factor, and a session that is over in the midst of a form.

import { Person, equal, holds, passwordOf, run, test, totp } from "./desk.mjs";

test("nobody sees a page before they sign in, and comes back to where they wanted to go", async () => {
  const person = await Person.arrive({ lang: "zh", screen: "phone" });
  await person.go("/account?said=saved");
  holds(person.path().startsWith("/sign-in?next="), `at ${person.path()}`);
  equal(await person.page.evaluate(() => document.documentElement.lang), "zh-CN", "the language");
  await person.check("sign-in");
  // By the keyboard alone: the name has the focus.
  await person.page.keyboard.type("engineer");
  await person.page.keyboard.press("Tab");
  await person.page.keyboard.type(passwordOf("engineer"));
  await Promise.all([person.page.waitForNavigation(), person.page.keyboard.press("Enter")]);
  equal(person.path(), "/account?said=saved", "where it leads");
  await person.page.click(".me summary");
  await Promise.all([person.page.waitForNavigation(), person.page.click("form[action='/sign-out'] button")]);
  await person.go("/account");
  holds(person.path().startsWith("/sign-in"), "signed out");
});

test("a link of somebody else's page leads nowhere else, and no form comes from there", async () => {
  const person = await Person.arrive({ lang: "en" });
  await person.go("/sign-in?next=https://evil.example/");
  await person.signIn("supervisor", passwordOf("supervisor"));
  holds(!person.path().includes("evil"), person.path());
  // With the cookie but without the token that only pages of the console have.
  const forged = await person.context.request.post("/account/sessions/end", { form: {} });
  equal(forged.status(), 403, "a form without the token");
  const foreign = await person.context.request.post("/sign-out", { form: {}, headers: { "Sec-Fetch-Site": "cross-site", Origin: "https://evil.example" } });
  equal(foreign.status(), 403, "a form of another site");
});

test("an administrator makes an account, whose owner sets the password by a link", async () => {
  const administrator = await Person.arrive({ lang: "zh", role: "administrator" });
  await administrator.go("/setup/users");
  const form = "form[action='/setup/users']";
  await administrator.page.fill(`${form} [name=name]`, "liu.min");
  await administrator.page.fill(`${form} [name=full_name]`, "<b>刘敏</b>");
  await administrator.page.selectOption(`${form} [name=role]`, "receptionist");
  await administrator.page.click(`${form} button.main`);
  const link = await (await administrator.sees("input.link")).inputValue();
  holds(link.startsWith("http://"), `a whole address, not ${link}`);
  await administrator.check("one-time link");

  const owner = await Person.arrive({ lang: "zh", screen: "phone" });
  await owner.go(new URL(link).pathname);
  await owner.page.fill("[name=password]", "晴天 下雨 都 上班");
  await owner.page.fill("[name=again]", "晴天 下雨 都 上班");
  await owner.check("welcome");
  await owner.send("main form");
  await owner.sees(".me summary", "<b>刘敏</b>");
  // The list shows the name as it is, as text.
  await administrator.go("/setup/users");
  await administrator.sees("td", "<b>刘敏</b>");

  // Closed: signed out at once, at the next click.
  await administrator.page.click("th[scope=row] a:text-is('liu.min')");
  administrator.answering("yes");
  await administrator.page.click("form[action$='/disabled'] button");
  await administrator.sees(".said");
  await owner.go("/account");
  holds(owner.path().startsWith("/sign-in"), `the account is closed, and still at ${owner.path()}`);
});

test("a second factor is turned on, asked for, and opens once", async () => {
  const person = await Person.arrive({ lang: "zh", role: "receptionist" });
  person.refused(422);
  await person.go("/account");
  await person.check("account");
  await person.page.click("a[href='/account/factor']");
  const words = await (await person.sees("code")).innerText();
  await person.sees(".qr svg");
  await person.check("factor");
  await person.page.fill("[name=code]", "000000");
  await person.page.fill("main [name=current]", passwordOf("receptionist"));
  await person.page.click("main button.main");
  await person.sees("#told", "验证码");
  equal(await person.page.inputValue("main [name=current]"), passwordOf("receptionist"), "what was typed stays");
  const turnedOn = totp(words);
  await person.page.fill("[name=code]", turnedOn);
  await person.page.click("main button.main");
  await person.sees(".said");

  const again = await Person.arrive({ lang: "zh" });
  again.refused(422);
  await again.signIn("receptionist", passwordOf("receptionist"));
  await again.sees("main [name=code]");
  await again.check("code");
  // One that was never shown, and the one that turned it on.
  for (const wrong of [totp(words, 0), turnedOn]) {
    await again.page.fill("main [name=code]", wrong);
    await again.send("main form");
    await again.sees("[role=alert]");
  }
  const code = totp(words, Date.now() + 30_000);
  await again.page.fill("main [name=code]", code);
  await again.send("main form");
  await again.sees("header.bar");

  // Whoever looked over the shoulder has the password and the code that was used.
  const thief = await Person.arrive({ lang: "en" });
  thief.refused(422);
  await thief.signIn("receptionist", passwordOf("receptionist"));
  await thief.page.fill("main [name=code]", code);
  await thief.send("main form");
  await thief.sees("[role=alert]");
});

test("a session that is over in the midst of a form: sign in in place, and nothing typed is lost", async () => {
  const person = await Person.arrive({ lang: "en", role: "administrator" });
  await person.go("/setup/users");
  const form = "form[action='/setup/users']";
  await person.page.fill(`${form} [name=name]`, "zhou.wei");
  await person.page.fill(`${form} [name=full_name]`, "Zhou Wei");

  // The same person signs out everywhere else, at another screen.
  const elsewhere = await Person.arrive({ lang: "en", role: "administrator" });
  await elsewhere.go("/account");
  await elsewhere.page.click("form[action='/account/sessions/end'] button");
  await elsewhere.sees(".said");

  person.refused(401, 422);
  await person.page.click(`${form} button.main`);
  const dialog = await person.sees("dialog#sign-in-again");
  await person.check("signed out in mid-form");
  await dialog.locator("[name=name]").fill("administrator");
  await dialog.locator("[name=password]").fill("not the password");
  await dialog.locator("button.main").click();
  await person.sees("#sign-in-again .wrong", /./);
  await dialog.locator("[name=password]").fill(passwordOf("administrator"));
  await dialog.locator("button.main").click();
  await person.sees("input.link");
  await person.go("/setup/users");
  await person.sees("th[scope=row]", "zhou.wei");
});

test("the language is changed at the sign-in and in the menu, and kept with the account", async () => {
  const person = await Person.arrive({ lang: "zh" });
  await person.go("/sign-in");
  await person.page.click("a[href='/language/en']");
  await person.until("English", () => document.documentElement.lang === "en");
  await person.signIn("supervisor", passwordOf("supervisor"));
  await person.page.click(".me summary");
  await person.page.click("a[href='/language/zh']");
  await person.until("Chinese", () => document.documentElement.lang === "zh-CN");
  await person.page.click(".me summary");
  await person.page.click("a[href='/language/en']");
  await person.until("English again", () => document.documentElement.lang === "en");

  const elsewhere = await Person.arrive({ lang: "zh", role: "supervisor" });
  await elsewhere.until("English, as the account says", () => document.documentElement.lang === "en");
});

await run();
