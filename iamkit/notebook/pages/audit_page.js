
for (const data of document.querySelectorAll("script.iamkit-view:not([data-done])")) {
  data.dataset.done = "yes";
  const paper = data.previousElementSibling;
  const root = make("div", { class: "screen" });
  data.after(root);
  new View(root, null).take(JSON.parse(data.textContent));
  paper.hidden = true;
}
