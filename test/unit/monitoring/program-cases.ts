// When the alerts about the programs themselves are quiet and when they fire.
import { type AlertCase, at, speakerOfN1 } from './alert-case.ts'

const controller = { job: 'bellhop-controller', node: 'n2', instance: '10.0.0.2:9081' }
const claims = 'bellhop_claim_attempts_total{job="bellhop-webhook",outcome="failed",instance="w"}'
const expiry = (which: string): string =>
  `bellhop_certificate_expiry_timestamp_seconds{certificate="${which}",instance="w"}`
const day = 86_400

export const programCases: readonly AlertCase[] = [
  {
    alert: 'BellhopNoLeader',
    series: { 'bellhop_leading{instance="a"}': '1x5 0x20', 'bellhop_leading{instance="b"}': '0x5 0 0 0 0 1x10' },
    quiet: ['6m', '10m'],
    fires: { at: '8m', labels: {}, summary: 'No controller leads.' },
  },
  // Nothing is scraped at all.
  {
    alert: 'BellhopNoLeader',
    series: { other: '1x10' },
    quiet: ['1m'],
    fires: { at: '3m', labels: {}, summary: 'No controller leads.' },
  },
  {
    alert: 'BellhopWebhookDown',
    series: {
      'bellhop_ready{program="webhook",instance="a"}': '1x5 0x5 1x5',
      'bellhop_ready{program="webhook",instance="b"}': '0x5 0x5 0x5',
      'bellhop_ready{program="controller",instance="c"}': '1x20',
    },
    quiet: ['7m', '13m'],
    fires: { at: '9m', labels: {}, summary: 'No replica of the webhook is ready.' },
  },
  {
    alert: 'BellhopWebhookBypassed',
    series: {
      'apiserver_admission_webhook_fail_open_count{name="create.services.bellhop.dev",type="mutating"}': '0x5 1 2 3x40',
      'apiserver_admission_webhook_fail_open_count{name="other.example.com",type="mutating"}': '0+1x40',
    },
    quiet: ['5m', '30m'],
    fires: {
      at: '8m',
      labels: { name: 'create.services.bellhop.dev' },
      summary: 'The API server went on without the answer of webhook create.services.bellhop.dev.',
    },
  },
  {
    alert: 'BellhopWebhookSlow',
    series: {
      'bellhop_admission_duration_seconds_bucket{path="/mutate-service",le="1",instance="a"}': '0x40',
      'bellhop_admission_duration_seconds_bucket{path="/mutate-service",le="2.5",instance="a"}': '0+60x40',
      'bellhop_admission_duration_seconds_bucket{path="/mutate-service",le="+Inf",instance="a"}': '0+60x40',
    },
    quiet: ['8m'],
    fires: {
      at: '15m',
      labels: { path: '/mutate-service' },
      summary: 'One in a hundred reviews at /mutate-service takes 2.485s.',
    },
  },
  {
    alert: 'BellhopClaimsFailing',
    series: { [claims]: '0x3 0+6x15 90x20' },
    quiet: ['3m', '35m'],
    fires: {
      at: '12m',
      labels: { job: 'bellhop-webhook' },
      summary: 'bellhop-webhook cannot write EipAllocations.',
    },
  },
  {
    alert: 'BellhopCertificateNotRenewed',
    series: { [expiry('serving')]: `${25 * day + 3600}x130 ${90 * day}x60`, [expiry('ca')]: `${3000 * day}x200` },
    quiet: ['59m', '110m', '140m'],
    fires: {
      at: '125m',
      labels: { certificate: 'serving' },
      summary: 'The serving certificate of the webhook ends in 24d 22h 55m 0s and has not been renewed.',
    },
  },
  {
    alert: 'BellhopCertificateExpiring',
    series: { [expiry('serving')]: `${90 * day}x60`, [expiry('ca')]: `${3 * day + 600}x60` },
    quiet: ['9m', '18m'],
    fires: {
      at: '30m',
      labels: { certificate: 'ca' },
      summary: 'The ca certificate of the webhook ends in 2d 23h 40m 0s.',
    },
  },
  {
    alert: 'BellhopWatchStale',
    series: {
      [at('bellhop_watch_current_up_to_timestamp_seconds', 'resource="services"')]: '0+60x5 300x40',
      [at('bellhop_watch_current_up_to_timestamp_seconds', 'resource="nodes"')]: '0+60x60',
    },
    quiet: ['9m', '14m'],
    fires: {
      at: '20m',
      labels: speakerOfN1,
      summary: 'bellhop-speaker on n1 has not heard from the API server for 15m 0s.',
    },
  },
  {
    alert: 'BellhopNotReady',
    series: {
      'bellhop_ready{program="controller",job="bellhop-controller",node="n2",instance="10.0.0.2:9081"}': '0x20',
    },
    quiet: ['9m'],
    fires: {
      at: '11m',
      labels: { ...controller, program: 'controller' },
      summary: 'The controller on n2 is not ready.',
    },
  },
  {
    alert: 'BellhopRestarting',
    series: { [at('bellhop_process_start_time_seconds', '')]: '1x5 2x5 3x5 4x80' },
    quiet: ['10m', '90m'],
    fires: { at: '20m', labels: speakerOfN1, summary: 'bellhop-speaker on n1 was restarted 3 times in an hour.' },
  },
  {
    alert: 'BellhopOverloaded',
    series: { [at('bellhop_event_loop_delay_p99_seconds', '')]: '0.7x20' },
    quiet: ['9m'],
    fires: { at: '11m', labels: speakerOfN1, summary: 'bellhop-speaker on n1 is late by 700ms.' },
  },
  {
    alert: 'BellhopTargetDown',
    series: { [at('up', '')]: '0x20', 'up{job="other",instance="x"}': '0x20' },
    quiet: ['4m'],
    fires: { at: '6m', labels: speakerOfN1, summary: 'bellhop-speaker on n1 cannot be scraped.' },
  },
  {
    alert: 'BellhopVersionSkew',
    series: {
      'bellhop_build_info{program="speaker",version="1.0.0",instance="a"}': '1x90',
      'bellhop_build_info{program="speaker",version="1.1.0",instance="b"}': '1x90',
    },
    quiet: ['50m'],
    fires: { at: '70m', labels: {}, summary: '2 versions of Bellhop run beside each other.' },
  },
]
