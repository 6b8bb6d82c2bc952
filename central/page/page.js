// What the page's parts share: the age of something in words, the document's language, and whether anybody looks.
window.noren = {
  ago(lang, at, now = Date.now()) {
    const s = Math.max(0, Math.round((now - at) / 1000));
    const ja = lang === "ja";
    if (s < 1) return ja ? "いま" : "now";
    if (s < 60) return ja ? `${s}秒前` : `${s} s ago`;
    if (s < 3600) return ja ? `${Math.floor(s / 60)}分前` : `${Math.floor(s / 60)} min ago`;
    return ja ? `${Math.floor(s / 3600)}時間前` : `${Math.floor(s / 3600)} h ago`;
  },
  // The address always holds what is chosen: whoever reloads, or wakes up too late, comes back to the same store.
  chosen(lang, store, title, gone) {
    document.documentElement.lang = lang;
    document.title = title;
    const popup = document.querySelector("#popup");
    if (popup) popup.replaceChildren(Object.assign(document.createElement("span"), { textContent: gone }));
    history.replaceState(history.state, "", `?lang=${lang}&store=${store}`);
  },
};
document.addEventListener("visibilitychange", () => emitEvent("looks", !document.hidden));
