// The language of the page: the person's choice, else the browser's, else English.

export const LANGUAGES = ['en', 'de'] as const;
export type Language = (typeof LANGUAGES)[number];

const STORED_AS = 'guildhall.language';

function known(tag: string | null | undefined): Language | undefined {
  return LANGUAGES.find((language) => tag?.toLowerCase().split('-')[0] === language);
}

export function preferredLanguage(stored: string | null, browser: readonly string[]): Language {
  return known(stored) ?? browser.map(known).find((language) => language !== undefined) ?? 'en';
}

class LanguageChoice {
  /** With the country if the browser names one: en-GB writes times otherwise than en-US. */
  readonly tag = $derived.by(
    () => navigator.languages.find((tag) => known(tag) === this.current) ?? this.current,
  );
  current = $state<Language>(preferredLanguage(localStorage.getItem(STORED_AS), navigator.languages));

  constructor() {
    document.documentElement.lang = this.current;
  }

  choose(language: Language): void {
    this.current = language;
    localStorage.setItem(STORED_AS, language);
    document.documentElement.lang = language;
  }
}

export const language = new LanguageChoice();
