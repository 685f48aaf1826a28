-- Makes wrk post: `wrk -s post.lua <url> -- <body> <authorization>`
function init(args)
  wrk.method = 'POST'
  wrk.headers['Content-Type'] = 'application/json'
  wrk.body = args[1]
  wrk.headers['Authorization'] = args[2]
end
