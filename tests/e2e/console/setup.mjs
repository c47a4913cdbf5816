// Set-up at the console: hours, people, prompts (sent, and said on a telephone that the desk calls), answers, residents.

import { Person, ask, equal, holds, run, test } from "./desk.mjs";

const wav = (samples, rate_hz = 16_000) => {
  const head = Buffer.alloc(44);
  head.write("RIFF", 0); head.writeUInt32LE(36 + samples.length * 2, 4); head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16); head.writeUInt16LE(1, 20); head.writeUInt16LE(1, 22); head.writeUInt32LE(rate_hz, 24);
  head.writeUInt32LE(rate_hz * 2, 28); head.writeUInt16LE(2, 32); head.writeUInt16LE(16, 34); head.write("data", 36);
  head.writeUInt32LE(samples.length * 2, 40);
  return Buffer.concat([head, Buffer.from(Int16Array.from(samples).buffer)]);
};
const tone = (level) => Array.from({ length: 16_000 }, (_, i) => Math.max(-32768, Math.min(32767, Math.round(Math.sin(i / 8) * level))));

test("hours: a fault is told with its line and nothing is lost; a holiday holds at once", async () => {
  const desk = await Person.arrive({ lang: "zh", role: "supervisor" });
  desk.refused(422);
  await desk.go("/setup/hours");
  const week = "form[action='/setup/hours/week']";
  await desk.page.fill(`${week} [name=mon]`, "8:30-12");
  await desk.page.click(`${week} button.main`);
  await desk.sees("#told", "8:30-12");
  equal(await desk.page.inputValue(`${week} [name=mon]`), "8:30-12", "what was typed stays");
  await desk.page.fill(`${week} [name=mon]`, "08:30-12:00，13:30-18:00");
  await desk.page.fill("form[action='/setup/hours/holidays'] [name=name]", "元旦");
  await desk.page.click(`${week} button.main`);
  await desk.sees(".said");
  equal(await desk.page.inputValue("form[action='/setup/hours/holidays'] [name=name]"), "元旦", "what is typed in another form stays");
  await desk.page.fill("form[action='/setup/hours/holidays'] [name=from]", "2027-01-01");
  await desk.page.click("form[action='/setup/hours/holidays'] button.main");
  await desk.sees("form[action='/setup/hours/holidays/0']");
  await desk.go("/setup/hours?at=2027-01-01T10:00");
  await desk.sees(".mark", "元旦");
  await desk.sees(".mark", "非服务时间");
  await desk.check("hours on a holiday");
});

test("two who change one person or one file: the second is told what the first wrote, and keeps their own", async () => {
  const [first, second] = [await Person.arrive({ lang: "zh", role: "supervisor" }), await Person.arrive({ lang: "en", role: "administrator" })];
  second.refused(412);
  for (const person of [first, second]) await person.go("/setup/people/202");
  await first.page.fill("main [name=department]", "工程二部");
  await first.page.click("form.fields button.main");
  await first.sees(".said");
  await second.page.fill("main [name=name]", "周伟二");
  await second.page.click("form.fields button.main");
  await second.sees("#told", "工程二部");
  holds(!(await second.text("#told")).includes("argon2"), "hashes of PINs are nobody's to see");
  equal(await second.page.inputValue("main [name=name]"), "周伟二", "what was typed stays");

  for (const person of [first, second]) await person.go("/setup/hours/text");
  const add = async (person, line) => person.page.fill("#text", (await person.page.inputValue("#text")) + line);
  await add(first, "# one\n");
  await first.page.click("main button.main");
  await first.sees(".said");
  await add(second, "# two\n");
  await second.page.click("main button.main");
  await second.sees("#theirs");
  holds((await second.page.inputValue("#text")).includes("# two"), "the second's own text stays");
  holds((await second.page.inputValue("#theirs")).includes("# one"), "the first's text is beside it");
  await second.check("one file of two");
});

test("a prompt: what is no recording is refused plainly, a good one is heard, accepted and taken back", async () => {
  const desk = await Person.arrive({ lang: "en", role: "supervisor" });
  desk.refused(422, 413);
  // Chromium looks for more of a sound whose page is left, and of one that was offered after it is accepted and gone.
  desk.refused(404);
  desk.meaning(/net::ERR_ABORTED/);
  await desk.go("/setup/prompts/goodbye");
  const form = "form[action='/setup/prompts/goodbye/zh/upload']";
  const send = async (buffer) => {
    await desk.page.setInputFiles(`${form} [type=file]`, { name: "x.wav", mimeType: "audio/wav", buffer });
    await desk.page.click(`${form} button`);
  };
  for (const [buffer, told] of [
    [Buffer.from("<html>"), "no WAV"],
    [Buffer.alloc(11_000_000, 1), "10 MB"],
    [wav(tone(0)), "nothing to be heard"],
    [wav(tone(300)), "too quiet"],
    [wav(tone(200_000)), "too loud"],
  ]) {
    await send(buffer);
    await desk.sees("#told", told);
  }
  await send(wav(tone(8_000)));
  await desk.sees(".offer");
  const heard = await desk.page.$eval(".offer audio", (audio) => new Promise((done, fail) => {
    audio.oncanplaythrough = () => done(audio.duration);
    audio.onerror = () => fail(audio.error);
    audio.preload = "auto";
    audio.load();
  }));
  holds(heard > 0.9 && heard < 2, `it lasts ${heard} s`);
  await desk.check("a recording is offered");
  await desk.page.click(".offer button.main");
  await desk.sees(".mark", "own recording");
  await desk.page.click("form[action='/setup/prompts/goodbye/zh/restore'] button");
  await desk.sees(".said", "heard again");
});

test("a prompt is said on a telephone that the desk calls", async () => {
  const desk = await Person.arrive({ lang: "zh", role: "supervisor" });
  await desk.go("/setup/lines");
  await desk.sees("td", "已注册");
  await desk.go("/setup/prompts/greeting");
  const form = "form[action='/setup/prompts/greeting/zh/call']";
  await desk.page.selectOption(`${form} select`, "201");
  await desk.page.click(`${form} button`);
  await desk.sees(".calling");
  await ask("says a prompt");
  await desk.sees(".offer");
  await desk.sees(".calling", "录好了");
  await desk.check("a recording by telephone");
});

test("residents: a list is looked at before it is taken, its faults are told by line", async () => {
  const desk = await Person.arrive({ lang: "en", screen: "phone", role: "supervisor" });
  desk.refused(422);
  await desk.go("/setup/residents/import");
  const send = async (text) => {
    await desk.page.setInputFiles("main [type=file]", { name: "list.csv", mimeType: "text/csv", buffer: Buffer.from(text) });
    await desk.page.locator("form[enctype] button.main").click();
  };
  await send("building,room,name,phone\n3,,A,138\n3,1201,B,abc\n");
  await desk.sees("td", "there is no room");
  await send("building,room,name,phone\n3,1201,<img src=x onerror=alert(1)>,13800138000\n");
  await desk.sees("th", "<img");
  await desk.check("a list before it is taken");
  await desk.page.click("form[action^='/setup/residents/import/'] button.main");
  await desk.sees(".said");
  await desk.sees("td", "13800138000");
  await desk.check("residents");
});

await run();
