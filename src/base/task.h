// Task<T>: the coroutine type of everything that waits for the network, a timer or the database.
// Rules for coroutines in this code base (some compilers break lifetimes otherwise):
// parameters by value or references to what outlives the whole operation; one co_await per
// full expression; never a capturing lambda coroutine called in place; no lock held across a wait.
#pragma once

#include <boost/asio/awaitable.hpp>

namespace guildhall {

template <class T = void>
using Task = boost::asio::awaitable<T>;

}  // namespace guildhall
