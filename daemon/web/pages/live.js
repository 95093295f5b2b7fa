// Redraws the parts of the page when the server says that something changed.
(() => {
  const url = document.body.dataset.live;
  if (!url || !window.EventSource) return;
  let busy = false, again = false;
  const redraw = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, {headers: {Accept: "text/html"}});
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-part]")) {
        const fresh = page.querySelector(`[data-part="${part.dataset.part}"]`);
        if (fresh && fresh.innerHTML !== part.innerHTML && !part.contains(document.activeElement)) part.replaceWith(fresh);
      }
    } finally {
      busy = false;
      if (again) { again = false; redraw(); }
    }
  };
  new EventSource(url).onmessage = redraw;
})();
