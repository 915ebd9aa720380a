/** What the process and its test both know. Milliseconds. */
export const names = ["one", "two", "three"]
export const limit = 12
export const per = 3000
export const rest = 2500
