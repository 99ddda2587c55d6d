// Mail before the money is gone. A budget warns; it does not stop anything.

@description('Amount a month, in the currency of the subscription\'s bill.')
@minValue(1)
param amount int

@description('First day that counts, the first of a month.')
param startDate string

@description('Mail addresses.')
param addresses string[]

resource budget 'Microsoft.Consumption/budgets@2026-06-01' = {
  name: 'presidio-access-audit'
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: { startDate: startDate }
    notifications: {
      actual80: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: addresses
      }
      forecast100: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: addresses
      }
    }
  }
}
