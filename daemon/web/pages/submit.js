// Presses the button of the page's only form, once the page is really looked at:
// browsers also load what they guess to be opened next.
(() => {
  const press = () => document.forms[0].submit();
  if (document.prerendering) document.addEventListener("prerenderingchange", press, {once: true});
  else press();
})();
