// A supervisor's day, as somebody who has no manual finds their way: by what the pages say.

import { readFileSync } from "node:fs";
import { Person, ask, equal, holds, run, test } from "./desk.mjs";

test("a supervisor sees a call come in, listens to the message it left, closes the ticket and exports the week", async () => {
  const boss = await Person.arrive({ lang: "zh", role: "supervisor" });
  const { page } = boss;
  const link = (name) => page.getByRole("navigation", { name: "主要" }).getByRole("link", { name, exact: true }).click();
  equal(boss.path(), "/board", "where a supervisor begins");
  const { id } = JSON.parse(await ask("message"));
  await boss.sees(`#call-${id}`, "137****7000");
  await ask("call is over");

  await link("留言");
  const message = await boss.sees(".messages li.unheard", "13700137000");
  await message.locator("audio").evaluate((audio) => audio.play());
  await boss.until("the recording plays", () => document.querySelector(".messages audio").currentTime > 0);
  await message.getByRole("button", { name: "已转达本人，确认" }).click();
  await boss.sees(".said");

  await link("工单");
  await page.locator("main tbody a").first().click();
  await boss.sees("h1", "报修");
  await page.getByText("关闭工单").first().click();
  // Nobody was sent yet, so that it can't be said to be dealt with.
  equal(await page.locator("form[action$='/close'] [value=done]").count(), 0, "ways to close it as done");
  await page.getByLabel("客户撤回、误报或重复").check();
  await page.locator("form[action$='/close'] [name=note]").fill("客户来电：电梯已恢复运行");
  await page.locator("form[action$='/close'] button.main").click();
  await boss.sees(".said");
  equal((await boss.text("h1 + .marks")).includes("已关闭"), true, "the ticket is closed");

  await link("报表");
  await boss.check("reports");
  const waiting = page.waitForEvent("download");
  await page.locator(".card", { hasText: "报事统计" }).getByRole("link", { name: "导出表格" }).click();
  const table = readFileSync(await (await waiting).path(), "utf8");
  holds(table.includes("报修"), `the week's table says nothing of repairs: ${table.slice(0, 400)}`);
});

await run();
