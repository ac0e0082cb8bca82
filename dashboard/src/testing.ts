// What several tests need: a component on the page, a server that answers as told, and who is signed in.
import { type Component, flushSync, mount, unmount } from 'svelte';
import { onTestFinished, vi } from 'vitest';

import type { Server, Session } from './api/types';

export const OPERATOR: Session = {
  principal: 'operator',
  name: '',
  operator: true,
  csrf_token: 'x',
  version: '1.2.3',
};

export const MARA: Session = { ...OPERATOR, principal: 'discord:5', name: 'Mara', operator: false };

export const HARBOR: Server = {
  id: '1',
  name: 'Lantern Harbor',
  access: 'owner',
  state: 'active',
  channel: null,
  active_viewers: 0,
  people: 0,
  points_total: 0,
};

export function render<Props extends Record<string, unknown>>(
  component: Component<Props>,
  props: Props,
): HTMLElement {
  const target = document.createElement('div');
  document.body.append(target);
  const mounted = mount(component, { target, props });
  flushSync();
  onTestFinished(async () => {
    await unmount(mounted);
    target.remove();
  });
  return target;
}

export interface Call {
  method: string;
  path: string;
  headers: Headers;
  body: unknown;
}

export interface Reply {
  status?: number;
  body?: unknown;
}

/** Answers every request with what `reply` says. Returns the requests, as they come in. */
export function serve(reply: (call: Call) => Reply): Call[] {
  const calls: Call[] = [];
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input) => {
    const request = input as Request;
    const { pathname, search } = new URL(request.url);
    const text = await request.text();
    const body: unknown = text === '' ? null : JSON.parse(text);
    const call = { method: request.method, path: pathname + search, headers: request.headers, body };
    calls.push(call);
    const { status = 200, body: answer } = reply(call);
    return new Response(status === 204 ? null : JSON.stringify(answer), { status });
  });
  return calls;
}

export function failure(status: number, code: string, message = '', field?: string): Reply {
  return { status, body: { error: { code, message, hint: '', field } } };
}

export function type(field: HTMLInputElement, text: string): void {
  field.value = text;
  field.dispatchEvent(new Event('input', { bubbles: true }));
  flushSync();
}

export function button(within: ParentNode, text: string): HTMLButtonElement {
  const found = [...within.querySelectorAll('button')].find((one) => one.textContent?.includes(text));
  if (!found) throw new Error(`no button '${text}'`);
  return found;
}
