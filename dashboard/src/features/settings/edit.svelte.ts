// One setting while a person edits it: what is typed, what is wrong with it, and whether somebody else
// was first. It holds no value of its own: the setting is what the server says.
import { ApiError } from '../../api/error';
import type { Setting, SettingChanged } from '../../api/types';
import { explain, inOneLine } from '../../i18n/errors';
import { t } from '../../i18n/text';

/** `value` null: back to the default. */
export type Change = (value: string | null, expected: string | null) => Promise<SettingChanged>;

/** Why the text cannot be meant, or nothing. Empty stands for the default and is always right. */
export function problemOf(setting: Setting, text: string): string | undefined {
  const value = text.trim();
  if (value === '') return undefined;
  if (setting.type === 'text') {
    const most = setting.most ?? Number.MAX_SAFE_INTEGER;
    return value.length > most ? t('settings.too_long', { most }) : undefined;
  }
  if (setting.type !== 'integer') return undefined;
  const least = setting.least ?? Number.MIN_SAFE_INTEGER;
  const most = setting.most ?? Number.MAX_SAFE_INTEGER;
  const number = /^-?\d+$/.test(value) ? Number(value) : NaN;
  return number >= least && number <= most ? undefined : t('settings.not_in_range', { least, most });
}

/** The setting as it is after a change, until the server tells the whole of it. */
export function changed(setting: Setting, after: string | null): Setting {
  if (after === null) return { ...setting, server_value: null, value: setting.fallback };
  return { ...setting, server_value: after, value: after, source: 'server' };
}

interface Draft {
  /** Null: back to the default. */
  value: string | null;
  /** The server's own value when the edit began. */
  expected: string | null;
}

export class SettingEdit {
  readonly #setting: () => Setting;
  readonly #change: Change;
  #draft = $state.raw<Draft>();
  /** What is on its way to the server, and its end. */
  #sending: { value: string | null; taken: Promise<boolean> } | undefined;
  busy = $state(false);
  problem = $state<string>();

  readonly shown = $derived.by(() => this.#draft?.value ?? this.#setting().value);
  readonly dirty = $derived.by(() => {
    const { value, server_value } = this.#setting();
    if (!this.#draft) return false;
    return this.#draft.value === null ? server_value !== null : this.#draft.value !== value;
  });
  /** Somebody else has changed the setting since the edit began. */
  readonly conflict = $derived.by(() => this.dirty && this.#draft?.expected !== this.#setting().server_value);
  /** What this edit would make of the setting. */
  readonly mine = $derived.by(() => this.#draft?.value || this.#setting().fallback);

  /** `setting` gives the server's present word, `change` sends a change to it. */
  constructor(setting: () => Setting, change: Change) {
    this.#setting = setting;
    this.#change = change;
  }

  type(value: string): void {
    const expected = this.dirty ? this.#draft!.expected : this.#setting().server_value;
    this.#draft = { value, expected };
    if (this.problem !== undefined) this.problem = problemOf(this.#setting(), value);
  }

  cancel(): void {
    this.#draft = undefined;
    this.problem = undefined;
  }

  /** True: the server has taken it. What was typed while another value is on its way follows that one. */
  async save(): Promise<boolean> {
    if (!this.#draft) return false;
    const { value, expected } = this.#draft;
    if (this.#sending) {
      const { taken, value: sent } = this.#sending;
      return value === sent ? taken : (await taken) && this.save();
    }
    this.problem = problemOf(this.#setting(), value ?? '');
    if (this.problem !== undefined) return false;
    const taken = this.#send(value?.trim() || null, expected);
    const end = () => (this.#sending = undefined);
    this.#sending = { value, taken };
    taken.then(end, end);
    return taken;
  }

  /** Back to the default. */
  async reset(): Promise<boolean> {
    this.#draft = { value: null, expected: this.#setting().server_value };
    return this.save();
  }

  /** In a conflict: this edit wins, against the value that is known now. */
  async insist(): Promise<boolean> {
    if (this.#draft) this.#draft = { ...this.#draft, expected: this.#setting().server_value };
    return this.save();
  }

  /** The server names the setting first; beside the field that is said already. */
  #words({ code, message, hint }: ApiError): string {
    const prefix = `${this.#setting().key}: `;
    const rest = message.startsWith(prefix) ? message.slice(prefix.length) : message;
    return inOneLine(explain(new ApiError(code, rest, hint)));
  }

  async #send(value: string | null, expected: string | null): Promise<boolean> {
    this.busy = true;
    const sent = this.#draft;
    try {
      const { after } = await this.#change(value, expected);
      // What was typed meanwhile goes on, from the value that is now set.
      if (this.#draft === sent) this.cancel();
      else if (this.#draft) this.#draft = { ...this.#draft, expected: after };
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // In a conflict both values are shown as soon as the present one is here.
      if (error.code !== 'conflict') this.problem = this.#words(error);
      return false;
    } finally {
      this.busy = false;
    }
  }
}
