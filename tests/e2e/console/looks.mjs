// What the other scripts look for is found where it is: a page with everything wrong fails, one with nothing wrong doesn't.

import { Person, equal, holds, run, test } from "./desk.mjs";

const page = (body) => ({
  contentType: "text/html",
  headers: { "Content-Security-Policy": "default-src 'self'" },
  body: `<!DOCTYPE html><html lang="en"><head><title>A page</title><meta name="viewport" content="width=device-width, initial-scale=1"></head><body><main><h1>A page</h1>${body}</main></body></html>`,
});

async function faultsOf(body) {
  const person = await Person.arrive({ lang: "en", screen: "phone" });
  await person.page.route("**/*", (route) => route.fulfill(page(body)));
  await person.go("/");
  await person.check("looks");
  const faults = person.faults;
  person.faults = [];
  await person.leave();
  return faults;
}

test("a page with nothing wrong has no faults", async () => equal(await faultsOf("<p>Nothing</p>"), [], "faults"));

const WRONG = {
  "an inline script": ["<script>document.title = 'x'</script>", "script-src"],
  "an inline style": ["<p style='color: red'>Red</p>", "style-src"],
  "an image from elsewhere": ["<img src='https://elsewhere.example/x.png' alt='x'>", "img-src"],
  "a field that nobody can name": ["<input name='x'>", "critical: label"],
  "a picture that nobody can hear": ["<img src='/x.png'>", "critical: image-alt"],
  "something wider than the screen": ["<pre>" + "wide ".repeat(200) + "</pre>", "wider than the screen: .*<pre>"],
};
for (const [what, [body, told]] of Object.entries(WRONG)) {
  test(`${what} is found`, async () => {
    const faults = await faultsOf(body);
    holds(faults.some((fault) => new RegExp(told).test(fault)), `${told} is not among: ${faults.join("; ")}`);
  });
}

test("what is thrown in a page, and a window that it opens, are found", async () => {
  const person = await Person.arrive({ lang: "en" });
  await person.page.route("**/*", (route) => route.fulfill(page("")));
  await person.go("/");
  const thrown = person.page.waitForEvent("pageerror");
  await person.page.evaluate(() => { alert("hello"); setTimeout(() => { throw new Error("on purpose"); }); });
  await thrown;
  const faults = person.faults.join("; ");
  person.faults = [];
  holds(faults.includes("a window opened: hello") && faults.includes("thrown in the page: on purpose"), faults);
});

await run();
