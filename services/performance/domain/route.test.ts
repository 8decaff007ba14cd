import { expect, test } from 'vitest'
import { routeTemplate } from './route.ts'

test.each([
  ['/users/42', '/users/{id}'],
  ['/users/42/orders?page=2#top', '/users/{id}/orders'],
  ['https://shop.example/cart/7', '/cart/{id}'],
  ['/o/0b7d6f0e-5f0f-4b53-9d43-6c2d1f8f9a10', '/o/{id}'],
  ['/blob/9f86d081884c7d65', '/blob/{id}'],
  ['/s/01ARZ3NDEKTSV4RRFFQ69G5FAV', '/s/{id}'],
  ['/orders/order-10045', '/orders/order-{id}'],
  ['/v1/users', '/v1/users'],
  ['/users/{userId}', '/users/{userId}'],
  ['shop.Cart/Get', 'shop.Cart/Get'],
  ['GetCart', 'GetCart'],
])('%s is of the route %s', (path, route) => {
  expect(routeTemplate(path)).toBe(route)
})
