// A deck is presented by Reveal.js. On a phone, and without this script, its slides and notes stand one below the other.
const asked = new URLSearchParams(location.search);
const printed = asked.has("print-pdf");
const page = document.documentElement;

function load(path) {
  return new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = new URL(path, import.meta.url);
    script.onload = done;
    script.onerror = () => failed(new Error(`${path} could not be loaded`));
    document.head.append(script);
  });
}

// The speaker's window shows the deck in small frames.
const framed = window.top !== window;
if (printed || framed || matchMedia("(min-width: 700px)").matches) {
  await Promise.all([load("../reveal/reveal.js"), load("../reveal/notes.js")]);
  if (printed) {
    for (const picture of document.images) {
      picture.loading = "eager";
    }
    await Promise.all([...document.images].map((picture) => picture.decode()));
  }
  page.classList.add("presented");
  document.getElementById("reveal").media = "all";
  await window.Reveal.initialize({
    width: 1280,
    height: 720,
    margin: 0,
    center: false,
    display: "flex",
    hash: true,
    slideNumber: "c/t",
    transition: "none",
    backgroundTransition: "none",
    scrollActivationWidth: null,
    pdfMaxPagesPerSlide: 1,
    plugins: [window.RevealNotes],
  });
}
page.dataset.ready = "";
