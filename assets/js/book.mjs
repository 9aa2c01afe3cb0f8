// Wide outputs and code scroll inside their box; a box that scrolls must be reachable by keyboard.
// Measured once it is laid out, which for what is folded is when a reader unfolds it.
const wide = new IntersectionObserver(
  (seen) => {
    const found = seen.filter(({ isIntersecting, target: box }) => isIntersecting && box.scrollWidth > box.clientWidth);
    for (const { target } of found) target.tabIndex = 0;
  },
  { rootMargin: "1000000px" },
);
for (const box of document.querySelectorAll(
  ".cell_output, .highlight pre, .pst-scrollable-table-container, mjx-container[display], :is(.alexnet-explorer, .alexnet-fallback) > figure",
)) {
  wide.observe(box);
}

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
