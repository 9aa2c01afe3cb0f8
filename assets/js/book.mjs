// Wide outputs and code scroll inside their box; a box that scrolls must be reachable by keyboard.
for (const box of document.querySelectorAll(".cell_output, .highlight pre, .pst-scrollable-table-container")) {
  if (box.scrollWidth > box.clientWidth) {
    box.tabIndex = 0;
  }
}

if (document.querySelector(".alexnet-explorer")) {
  import("../explorers/mount.mjs").catch((error) => console.error("The explorers could not be loaded.", error));
}

// Paper is white: a dark page is printed light, with all that follows the theme.
const page = document.documentElement;
let theme;
addEventListener("beforeprint", () => {
  theme = page.dataset.theme;
  page.dataset.theme = "light";
});
addEventListener("afterprint", () => {
  page.dataset.theme = theme;
});
