// Whether a request comes from the portal (Standard Webhooks): Node's own library, nothing else.
// verify(secret, headers, body) with the body as it came, as a Buffer; names of headers in lower case.
import { createHmac, timingSafeEqual } from "node:crypto";

const TOLERANCE = 300; // seconds: what is older may have been recorded by somebody and sent again

// The id of the event; remember it, since the same may come twice. Throws for anything else.
export function verify(secret, headers, body) {
  const { "webhook-id": event, "webhook-timestamp": at, "webhook-signature": signatures } = headers;
  if (!event || !at || !signatures) throw new Error("not signed");
  if (!(Math.abs(Date.now() / 1000 - Number(at)) <= TOLERANCE)) throw new Error("too old, or from the future");
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const mark = createHmac("sha256", key).update(`${event}.${at}.`).update(body).digest();
  const fits = (one) => {
    const given = Buffer.from(one.replace(/^v1,/, ""), "base64");
    return given.length === mark.length && timingSafeEqual(given, mark);
  };
  if (!signatures.split(" ").some(fits)) throw new Error("not signed by this secret");
  return event;
}
