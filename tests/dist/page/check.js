// What must hold of the page once a browser has drawn it: run in the page itself, which then tells the outcome.
"use strict";
(() => {
  const failed = [];
  let passed = 0;
  const check = (what, holds) => (holds ? passed++ : failed.push(what));
  const all = (selector) => [...document.querySelectorAll(selector)];
  const cells = (column) => all("#rows tr").map((row) => row.children[column].textContent);
  const search = (text) => {
    byId("search").value = text;
    byId("search").dispatchEvent(new Event("input"));
  };
  const bytes = (text) => parseFloat(text) * { B: 1, kB: 1e3, MB: 1e6 }[text.split(" ")[1]];

  check("no errors", errors.length === 0);
  check("nothing is fetched", performance.getEntriesByType("resource").length === 0);
  check("the application's name", byId("title").textContent === "main");
  check("the summary", /Runs .*, \d+ modules, Python 3\.14/.test(byId("summary").textContent));

  const map = byId("map").getBoundingClientRect();
  const boxes = all("#map div").map((box) => box.getBoundingClientRect());
  // The smallest boxes are as thick as their lines.
  const inside = (box) => box.left >= map.left - 3 && box.right <= map.right + 3 && box.top >= map.top - 3 && box.bottom <= map.bottom + 3;
  check("a map of many boxes", boxes.length > 100);
  check("boxes lie in the map", boxes.every(inside));
  const shown = all("#map div").filter((box) => /^(rspy itself|Python's standard library)$/.test(box.textContent));
  const share = (box) => {
    const { width, height } = box.getBoundingClientRect();
    return (width * height) / (map.width * map.height);
  };
  check("two large boxes with their names", shown.length === 2);
  const expected = (name) => {
    const part = items.filter((item) => item.part === name).reduce((sum, item) => sum + item.stored, 0);
    const known = items.reduce((sum, item) => sum + item.stored, 0);
    return (name === "rspy itself" ? contents.size - known : part) / contents.size;
  };
  check("boxes are as large as what they stand for", shown.every((box) => Math.abs(share(box) - expected(box.textContent)) < 0.02));

  shown.find((box) => box.textContent.startsWith("Python"))?.click();
  check("a click goes into a box", all("#trail button").length === 2);
  all("#trail button")[0].click();
  check("and the trail leads back", all("#trail button").length === 1);

  check("the table", all("#rows tr").length === Math.min(items.length, LIMIT) && items.length > 500);
  const sizes = cells(2).map(bytes);
  check("the largest come first", sizes.every((value, number) => number === 0 || value <= sizes[number - 1] * 1.01));
  all("#head th")[0].click();
  const names = cells(0);
  check("a click sorts", names.every((name, number) => number === 0 || names[number - 1] <= name));
  search("sqlite3");
  check("a search", all("#rows tr").length > 3 && all("#rows tr").every((row) => row.textContent.includes("sqlite3")));
  check("the import chain", cells(4).some((text) => text === "main › part"));
  search("bold");
  check("a hostile name is text", cells(0).some((text) => text.endsWith("</" + "script><b>bold")) && all("b").length === 0);
  search("no such thing");
  check("nothing is found", all("#rows tr").length === 0 && byId("more").textContent.startsWith("0 of "));

  const outcome = document.createElement("pre");
  outcome.id = "outcome";
  outcome.textContent = `${failed.map((what) => `${what}; `).join("")}${passed} passed, ${failed.length} failed`;
  document.body.append(outcome);
})();
