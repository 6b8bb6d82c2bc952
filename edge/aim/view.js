const at = (id) => document.getElementById(id);
const signs = { good: "✓", fair: "△", bad: "✕", none: "–" };
let missed = 0;
function row(one) {
  const item = document.createElement("li"), name = document.createElement("span");
  const word = document.createElement("b"), detail = document.createElement("small");
  const sign = document.createElement("i");
  item.className = one.state;
  name.textContent = one.name;
  word.textContent = one.word;
  detail.textContent = one.detail;
  word.append(detail);
  sign.textContent = signs[one.state];
  sign.ariaHidden = "true";
  item.append(name, word, sign);
  return item;
}
function say(state, text) {
  const first = at("first");
  if (first.textContent !== text) first.textContent = text;
  first.className = state;
}
async function look() {
  try {
    const answer = await fetch("now", { cache: "no-store" });
    if (answer.status === 503) { say("none", await answer.text()); setTimeout(look, 3000); return; }
    if (!answer.ok) throw new Error(answer.status);
    const seen = await answer.json();
    missed = 0;
    if (seen.picture) {
      at("picture").src = "data:image/jpeg;base64," + seen.picture;
      at("picture").hidden = false;
      at("rows").replaceChildren(...seen.said.rows.map(row));
      at("trouble").textContent = seen.trouble;
      say(seen.said.state, seen.said.first);
    }
  } catch {
    missed += 1;
    if (missed > 3) { at("picture").hidden = true; at("rows").replaceChildren(); say("none", document.body.dataset.over); }
  }
  setTimeout(look, missed ? 1000 : 150);
}
look();
