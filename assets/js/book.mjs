// Wide outputs and code scroll inside their box; a box that scrolls must be reachable by keyboard.
for (const box of document.querySelectorAll(".cell_output, .highlight pre, .pst-scrollable-table-container")) {
  if (box.scrollWidth > box.clientWidth) {
    box.tabIndex = 0;
  }
}
