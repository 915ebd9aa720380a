/** Callers with OpenAI's own client: as many questions as they are let, again and again. */
import OpenAI from "openai"

export interface LoadOptions {
  readonly url: string
  /** What a caller shows as its key, each time anew. */
  readonly key: () => string
  readonly callers: number
  /** How long a caller thinks about an answer, in milliseconds. */
  readonly thinks: number
  readonly seconds: number
  /** What a request is at most counted for is a part of the load. */
  readonly maxTokens: number
}

export interface Tally {
  /** Questions that were answered. */
  answered: number
  /** Requests that were sent, those that were sent again included. */
  requests: number
  /** How many of them were answered so. */
  readonly statuses: Map<number, number>
  /** Of those that were refused without a time to come again. */
  untold: number
  /** How many came back when they were told to, and how many of them were served. */
  returned: number
  served: number
  /** The longest that a question has taken until its answer was there, in milliseconds. */
  slowest: number
}

export const load = async (options: LoadOptions): Promise<Tally> => {
  const tally: Tally = {
    answered: 0,
    requests: 0,
    statuses: new Map(),
    untold: 0,
    returned: 0,
    served: 0,
    slowest: 0
  }
  const end = performance.now() + options.seconds * 1000
  const over = AbortSignal.timeout(options.seconds * 1000)
  await Promise.all(Array.from({ length: options.callers }, (_, i) => caller(options, tally, i, end, over)))
  return tally
}

const caller = async (options: LoadOptions, tally: Tally, i: number, end: number, over: AbortSignal) => {
  const { callers, key, maxTokens, thinks, url } = options
  const client = () => new OpenAI({ baseURL: url, apiKey: key(), maxRetries: 1000, fetch: counting(tally) })
  // they do not all come at once
  await sleep(thinks * i / callers)
  for (let question = 0; performance.now() < end; question++) {
    const began = performance.now()
    try {
      await answer(client(), `Question ${question} of caller ${i}?`, `caller-${i}`, maxTokens, over)
      tally.answered++
      tally.slowest = Math.max(tally.slowest, performance.now() - began)
    } catch (error) {
      if (!over.aborted) throw error
    }
    await sleep(thinks * (0.5 + Math.random()))
  }
}

/** Every second answer is streamed. */
const answer = async (client: OpenAI, content: string, user: string, max_tokens: number, signal: AbortSignal) => {
  const question = { model: "small", messages: [{ role: "user", content } as const], user, max_tokens }
  if (Math.random() < 0.5) return await client.chat.completions.create(question, { signal })
  const stream = await client.chat.completions.create({ ...question, stream: true }, { signal })
  for await (const _ of stream);
  return undefined
}

/** What the client sends, and is told: the client itself keeps that to itself. */
const counting = (tally: Tally): typeof fetch => async (input, init) => {
  const isBack = Number(new Headers(init?.headers).get("x-stainless-retry-count") ?? 0) > 0
  tally.requests++
  const response = await fetch(input, init)
  const { headers, ok, status } = response
  tally.statuses.set(status, (tally.statuses.get(status) ?? 0) + 1)
  if (!ok && !headers.has("retry-after")) tally.untold++
  if (isBack) {
    tally.returned++
    if (ok) tally.served++
  }
  return response
}

const sleep = (millis: number) => new Promise<void>((resolve) => setTimeout(resolve, millis))
