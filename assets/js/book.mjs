// Wide outputs and code scroll inside their box; a box that scrolls must be reachable by keyboard.
const boxes = ".cell_output, .highlight pre, .pst-scrollable-table-container, mjx-container[display]";
const reach = () => {
  for (const box of document.querySelectorAll(boxes)) {
    if (box.scrollWidth > box.clientWidth) {
      box.tabIndex = 0;
    }
  }
};
reach();
// What is folded has no width before it is opened.
document.addEventListener("toggle", reach, { capture: true });

// The theme writes these two into the page's HTML, where no policy for scripts would let them run.
document.querySelector(".btn-fullscreen-button")?.addEventListener("click", () => window.toggleFullScreen());
document.querySelector(".btn-download-pdf-button")?.addEventListener("click", () => window.print());

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
