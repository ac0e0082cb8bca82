// Light, dark, or whatever the system says; remembered in this browser.

export const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const STORED_AS = 'guildhall.theme';

class ThemeChoice {
  current = $state<Theme>('auto');

  constructor() {
    this.#apply(THEMES.find((theme) => theme === localStorage.getItem(STORED_AS)) ?? 'auto');
  }

  choose(theme: Theme): void {
    localStorage.setItem(STORED_AS, theme);
    this.#apply(theme);
  }

  #apply(theme: Theme): void {
    this.current = theme;
    if (theme === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }
}

export const theme = new ThemeChoice();
