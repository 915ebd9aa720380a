/** The pool: sessions by tenant, no more of them in all than the server lets in. */
import { Duration, Effect, Layer } from "effect"
import { KeyedPool } from "../../src/index.ts"
import { type CannotConnect, Session } from "../httpServer/session.ts"
import { Archive, sessions } from "./database.ts"

export class Tenants
  extends KeyedPool.Service<Tenants, number, Session, { error: CannotConnect }>()("tenants/Tenants")
{
  static readonly live = Layer.unwrap(Effect.gen(function*() {
    const { urlOf } = yield* Archive
    return Tenants.layer({
      acquire: (tenant, self) =>
        Session.open({
          url: urlOf(tenant),
          application: "tenants",
          statementTimeout: Duration.seconds(30),
          onLost: () => self.invalidate()
        }),
      size: { max: sessions },
      borrowTimeout: "1 minute"
    })
  }))
}
