// Runs a Bluesky network (PLC, PDS, AppView) on loopback until it is told to end.
//
//   node network.cjs MODULES_FOLDER READY_FD
//
// MODULES_FOLDER holds node_modules; READY_FD is an open descriptor that receives one JSON line
// with the addresses once all of it answers. The environment names the database
// (DB_POSTGRES_URL) and may switch rate limits on (BLUESKY_RATE_LIMITS=1). It ends on SIGTERM or
// SIGINT, and when its standard input closes, so that it never outlives the process that
// started it; POSTGRES_PID then names the database server to end along with it.
'use strict'

const dns = require('node:dns')
const fs = require('node:fs')
const net = require('node:net')
const { createRequire } = require('node:module')

const LOOPBACK = '127.0.0.1'

// The servers offer no setting for the interface and bind all of them. This has to happen before
// they are loaded. Unix sockets and inherited handles are left as they are.
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (...args) {
  if (args.length === 0 || typeof args[0] === 'function') args.unshift(0)
  if (args[0] == null) args[0] = 0
  const [first] = args
  if (typeof first === 'number' || /^\d+$/.test(first)) {
    args.splice(1, typeof args[1] === 'string' ? 1 : 0, LOOPBACK)
  } else if (typeof first === 'object' && 'port' in first) {
    args[0] = { ...first, host: LOOPBACK }
  }
  return listen.apply(this, args)
}

// The services find each other as "localhost"; all of them are on IPv4.
dns.setDefaultResultOrder('ipv4first')
process.env.LOG_ENABLED ??= 'false'

async function freePort() {
  const server = net.createServer()
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function main(modules, readyFd) {
  const dev = createRequire(`${modules}/`)('@atproto/dev-env')
  const pdsPort = await freePort()
  const plc = await dev.TestPlc.create({})
  const bsky = await dev.TestBsky.create({
    plcUrl: plc.url,
    pdsPort,
    repoProvider: `ws://localhost:${pdsPort}`,
    dbPostgresUrl: process.env.DB_POSTGRES_URL,
    dbPostgresSchema: 'appview',
    redisHost: 'unused',
  })
  const pds = await dev.TestPds.create({
    port: pdsPort,
    hostname: 'localhost',
    didPlcUrl: plc.url,
    bskyAppViewUrl: bsky.url,
    bskyAppViewDid: bsky.ctx.cfg.serverDid,
    rateLimitsEnabled: process.env.BLUESKY_RATE_LIMITS === '1',
  })
  // Before the first account, so that no handle is looked up in the real DNS.
  dev.mockNetworkUtilities(pds, bsky)

  const ready = { plc: plc.url, pds: pds.url, appview: bsky.url, appviewDid: bsky.serverDid }
  fs.writeSync(readyFd, `${JSON.stringify(ready)}\n`)
  fs.closeSync(readyFd)

  return async () => {
    await bsky.close()
    await pds.close()
    await plc.close()
  }
}

let ending = false
const started = main(process.argv[2], Number(process.argv[3]))

async function end(orphaned) {
  if (ending) return
  ending = true
  const close = await started
  await close()
  const database = Number(process.env.POSTGRES_PID)
  if (orphaned && database > 0) process.kill(database, 'SIGINT')
  process.exit(0)
}

function fail(error) {
  console.error(error)
  process.exit(1)
}

process.on('SIGTERM', () => end(false).catch(fail))
process.on('SIGINT', () => end(false).catch(fail))
process.stdin.on('end', () => end(true).catch(fail)).resume()
started.catch(fail)
