/** What the stand-in answers, in OpenAI's shapes. */

/** As many tokens, more or less. */
export const tokensIn = (messages: ReadonlyArray<{ readonly content: string }>): number =>
  messages.reduce((sum, { content }) => sum + Math.ceil(content.length / 4), 0)

/** One word is one token. */
export const wordsOf = (messages: ReadonlyArray<{ readonly content: string }>, most: number): ReadonlyArray<string> => {
  const question = messages.at(-1)?.content ?? ""
  return `You have asked: ${question}`.split(/\s+/).slice(0, most).map((word, i) => i === 0 ? word : ` ${word}`)
}

const usage = (prompt: number, completion: number) => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion
})

export const completion = (id: number, model: string, prompt: number, words: ReadonlyArray<string>) => ({
  id: `chatcmpl-${id}`,
  object: "chat.completion",
  created: 0,
  model,
  choices: [{
    index: 0,
    message: { role: "assistant", content: words.join(""), refusal: null },
    logprobs: null,
    finish_reason: "stop"
  }],
  usage: usage(prompt, words.length)
})

const event = (data: unknown) => `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`

/** The events of a stream, one for each word; then its usage, if that was asked for, and its end. */
export const events = (
  id: number,
  model: string,
  prompt: number,
  words: ReadonlyArray<string>,
  showsUsage: boolean
): ReadonlyArray<string> => {
  const chunk = { id: `chatcmpl-${id}`, object: "chat.completion.chunk", created: 0, model }
  return [
    ...words.map((content, i) =>
      event({
        ...chunk,
        choices: [{ index: 0, delta: i === 0 ? { role: "assistant", content } : { content }, finish_reason: null }]
      })
    ),
    event({ ...chunk, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }),
    ...(showsUsage ? [event({ ...chunk, choices: [], usage: usage(prompt, words.length) })] : []),
    event("[DONE]")
  ]
}

const errors: Readonly<
  Record<number, { readonly type: string; readonly code: string | null; readonly message: string }>
> = {
  400: { type: "invalid_request_error", code: null, message: "It is no question" },
  401: { type: "invalid_request_error", code: "invalid_api_key", message: "Incorrect API key provided" },
  404: { type: "invalid_request_error", code: "model_not_found", message: "The model does not exist" },
  429: { type: "requests", code: "rate_limit_exceeded", message: "Rate limit reached" },
  500: { type: "server_error", code: null, message: "The server had an error while processing your request" }
}

export const errorOf = (status: number) => ({ error: { param: null, ...errors[status] } })
