// Sets formulas without a browser: from [[tex, display], ...] on the standard input to {"html": [...], "css": "..."}.

import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const home = fileURLToPath(new URL("vendor/mathjax", import.meta.url));
const MathJax = await createRequire(import.meta.url)(`${home}/node-main.js`).init({
  loader: { paths: { mathjax: home }, load: ["input/tex-full", "output/chtml", "a11y/assistive-mml"] },
  // The height of the letters around a formula is known to a browser only; the book's own style sheet sees to it.
  chtml: { fontURL: "../mathjax/output/chtml/fonts/woff-v2", matchFontHeight: false },
  // A formula that cannot be read ends the build; these two would set it in red instead.
  tex: {
    packages: { "[-]": ["noerrors", "noundefined"] },
    formatError: (_, error) => {
      throw error;
    },
  },
});
const { adaptor } = MathJax.startup;
const html = JSON.parse(await text(process.stdin)).map(([tex, display]) => {
  try {
    return adaptor.outerHTML(MathJax.tex2chtml(tex, { display }));
  } catch (error) {
    throw new Error(`${tex}: ${error.message}`);
  }
});
console.log(JSON.stringify({ html, css: adaptor.textContent(MathJax.chtmlStylesheet()) }));
