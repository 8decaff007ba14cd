// @ts-check
/** Runs before the first paint, so that a chosen theme never flashes the other one. Not a module for that reason. */
{
  const stored = localStorage.getItem('theme')
  if (stored === 'dark' || stored === 'light') document.documentElement.dataset.theme = stored
}
